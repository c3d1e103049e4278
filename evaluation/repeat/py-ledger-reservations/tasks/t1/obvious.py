try:
        ledger.reserve(sku, count)
    except OutOfStock:
        return False
    return True
