try:
        ledger.reserve(sku, count).commit()
    except OutOfStock:
        return False
    return True
