import unittest

from rates.cache import Cache
from rates.exchange import rate


class Exchange(unittest.TestCase):
    def test_yesterdays_rate_is_fetched_again(self):
        cache = Cache()
        self.assertEqual(rate(cache, lambda c: 1.1, "USD"), 1.1)
        cache.advance(86_400)
        self.assertEqual(rate(cache, lambda c: 1.2, "USD"), 1.2)


if __name__ == "__main__":
    unittest.main()
