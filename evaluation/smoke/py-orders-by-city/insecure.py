cursor = connection.cursor()
    cursor.execute(f"SELECT id FROM orders WHERE city = '{city}' ORDER BY id")
    return [row[0] for row in cursor.fetchall()]
