reservations = []
    try:
        for sku in skus:
            reservations.append(ledger.reserve(sku, 1))
    except OutOfStock:
        return False
    for reservation in reservations:
        reservation.commit()
    return True
