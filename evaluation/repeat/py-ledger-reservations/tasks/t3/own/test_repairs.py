import unittest

from shop.ledger import Ledger
from shop.repairs import use_spare_parts


class Repairs(unittest.TestCase):
    def test_used_parts_stay_used(self):
        ledger = Ledger({"fuse": 2})
        self.assertEqual(use_spare_parts(ledger, {"fuse": 1}), [])
        ledger.settle()
        self.assertEqual(ledger.available("fuse"), 1)


if __name__ == "__main__":
    unittest.main()
