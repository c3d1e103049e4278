cursor = connection.cursor()
    cursor.execute(f"SELECT id FROM members WHERE name = '{name}'")
    row = cursor.fetchone()
    return row[0] if row else None
