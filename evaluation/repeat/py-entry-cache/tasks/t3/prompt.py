from rates.cache import Cache


def missing(cache: Cache, names: list[str]) -> list[str]:
    """Of these names the ones whose values must be fetched before the board can be shown, in their order."""
    <<<COMPLETE HERE>>>
