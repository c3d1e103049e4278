"""Orders of the shop, in SQLite."""
import sqlite3

OPEN = "open"
SHIPPED = "shipped"


def orders_of_customer(connection: sqlite3.Connection, email: str, status: str) -> list[tuple]:
    """Return id, date and total of a customer's orders that have this status, newest first."""
    
