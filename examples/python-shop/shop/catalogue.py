"""Products of the shop, in SQLite."""
import sqlite3


def count_products(connection: sqlite3.Connection) -> int:
    """Number of products on sale."""
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM products WHERE on_sale = 1")
    return cursor.fetchone()[0]


def find_products(connection: sqlite3.Connection, term: str) -> list[tuple]:
    """Return id, name and price of all products whose name contains the search term, cheapest first."""
    
