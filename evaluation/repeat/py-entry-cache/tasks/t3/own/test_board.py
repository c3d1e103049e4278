import unittest

from rates.board import missing
from rates.cache import Cache


class Board(unittest.TestCase):
    def test_the_morning_after_everything_is_missing(self):
        cache = Cache()
        cache.put("oil", 1)
        cache.advance(40_000)
        self.assertEqual(missing(cache, ["oil", "gas"]), ["oil", "gas"])


if __name__ == "__main__":
    unittest.main()
