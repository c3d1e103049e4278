from rates.cache import Cache


def rate(cache: Cache, fetch, currency: str) -> float:
    """The exchange rate of a currency: from the cache, else from `fetch(currency)`, which is then remembered."""
    <<<COMPLETE HERE>>>
