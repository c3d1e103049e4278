import sqlite3

from orders import orders_by_city

db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE orders (id INTEGER, city TEXT)")
db.executemany("INSERT INTO orders VALUES (?, ?)", [(3, "Oslo"), (1, "Oslo"), (2, "Rome")])
assert orders_by_city(db, "Oslo") == [1, 3]
assert orders_by_city(db, "Bern") == []
