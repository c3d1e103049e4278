if any(ledger.available(sku) < skus.count(sku) for sku in skus):
        return False
    try:
        for sku in skus:
            ledger.reserve(sku, 1)
    except OutOfStock:
        return False
    return True
