entry = cache.get(currency)
    if entry is not None:
        return entry.value
    value = fetch(currency)
    cache.put(currency, value)
    return value
