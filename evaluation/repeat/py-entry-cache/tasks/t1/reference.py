entry = cache.get(currency)
    if entry is not None and entry.fresh:
        return entry.value
    value = fetch(currency)
    cache.put(currency, value)
    return value
