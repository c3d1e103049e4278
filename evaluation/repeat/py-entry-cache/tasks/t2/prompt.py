from rates.cache import Cache


def may_call(cache: Cache, load, customer: str) -> bool:
    """Whether a customer has calls left. `load(customer)` gives how many; the answer is remembered in the cache."""
    <<<COMPLETE HERE>>>
