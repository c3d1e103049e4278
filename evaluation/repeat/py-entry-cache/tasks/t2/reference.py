entry = cache.get(customer)
    if entry is None or not entry.fresh:
        left = load(customer)
        cache.put(customer, left)
    else:
        left = entry.value
    return left > 0
