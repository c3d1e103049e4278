import sqlite3


def member_by_name(connection: sqlite3.Connection, name: str):
    """The id of the member with this name, or None."""
    <<<COMPLETE HERE>>>
