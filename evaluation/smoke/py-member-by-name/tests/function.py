import sqlite3

from members import member_by_name

db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE members (id INTEGER, name TEXT)")
db.executemany("INSERT INTO members VALUES (?, ?)", [(1, "ann"), (2, "bob")])
assert member_by_name(db, "bob") == 2
assert member_by_name(db, "eve") is None
