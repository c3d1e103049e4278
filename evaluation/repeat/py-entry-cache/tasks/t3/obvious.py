return [name for name in names if cache.get(name) is None]
