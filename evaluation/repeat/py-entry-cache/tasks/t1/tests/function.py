from rates.cache import Cache
from rates.exchange import rate

asked = []
fetch = lambda c: asked.append(c) or float(len(asked))
cache = Cache()
assert rate(cache, fetch, "EUR") == 1.0
cache.advance(30)
assert rate(cache, fetch, "EUR") == 1.0, "a current rate was fetched again"
cache.advance(61)
assert rate(cache, fetch, "EUR") == 2.0, "a rate of 91 seconds ago was used"
assert asked == ["EUR", "EUR"]
