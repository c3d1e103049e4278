import unittest

from rates.cache import Cache
from rates.quotas import may_call


class Quotas(unittest.TestCase):
    def test_who_has_used_all_up_is_refused_later(self):
        cache = Cache()
        self.assertTrue(may_call(cache, lambda c: 3, "ann"))
        cache.advance(3600)
        self.assertFalse(may_call(cache, lambda c: 0, "ann"))


if __name__ == "__main__":
    unittest.main()
