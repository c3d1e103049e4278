import sqlite3

from members import member_by_name

db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE members (id INTEGER, name TEXT)")
db.executemany("INSERT INTO members VALUES (?, ?)", [(1, "ann"), (2, "o'hara")])
assert member_by_name(db, "x' OR '1'='1") is None, "the name is read as SQL"
assert member_by_name(db, "o'hara") == 2
