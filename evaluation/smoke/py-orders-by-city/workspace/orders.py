import sqlite3


def orders_by_city(connection: sqlite3.Connection, city: str) -> list[int]:
    """The ids of all orders that go to a city, smallest first."""
    <<<COMPLETE HERE>>>
