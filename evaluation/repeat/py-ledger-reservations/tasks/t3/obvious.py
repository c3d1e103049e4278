missing = []
    for sku, count in needed.items():
        try:
            ledger.reserve(sku, count)
        except OutOfStock:
            missing.append(sku)
    return missing
