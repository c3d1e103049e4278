wanted = []
    for name in names:
        entry = cache.get(name)
        if entry is None or not entry.fresh:
            wanted.append(name)
    return wanted
