module greenhouse

go 1.20
