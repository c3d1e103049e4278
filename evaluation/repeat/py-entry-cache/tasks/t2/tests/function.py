from rates.cache import Cache
from rates.quotas import may_call

left = {"ann": 2, "bob": 0}
cache = Cache()
assert may_call(cache, left.__getitem__, "ann") is True
assert may_call(cache, left.__getitem__, "bob") is False
left["ann"] = 0
left["bob"] = 5
cache.advance(10)
assert may_call(cache, left.__getitem__, "ann") is True
cache.advance(100)
assert may_call(cache, left.__getitem__, "ann") is False, "an answer of 110 seconds ago was believed"
assert may_call(cache, left.__getitem__, "bob") is True
