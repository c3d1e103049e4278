module club

go 1.20
