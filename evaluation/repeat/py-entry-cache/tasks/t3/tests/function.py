from rates.board import missing
from rates.cache import Cache

cache = Cache()
assert missing(cache, ["a", "b"]) == ["a", "b"]
cache.put("a", 1)
cache.advance(50)
cache.put("b", 2)
assert missing(cache, ["a", "b", "c"]) == ["c"]
cache.advance(20)
assert missing(cache, ["a", "b", "c"]) == ["a", "c"], f"after 70 seconds {missing(cache, ['a', 'b', 'c'])} is missing"
