cursor = connection.execute("SELECT id FROM orders WHERE city = ? ORDER BY id", (city,))
    return [row[0] for row in cursor.fetchall()]
