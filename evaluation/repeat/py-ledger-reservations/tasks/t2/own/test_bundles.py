import unittest

from shop.bundles import sell_bundle
from shop.ledger import Ledger


class Bundles(unittest.TestCase):
    def test_a_bundle_leaves_the_stock(self):
        ledger = Ledger({"pen": 1, "ink": 1})
        self.assertTrue(sell_bundle(ledger, ["pen", "ink"]))
        ledger.settle()
        self.assertEqual(ledger.available("pen"), 0)


if __name__ == "__main__":
    unittest.main()
