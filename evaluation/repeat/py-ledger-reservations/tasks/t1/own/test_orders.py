import unittest

from shop.ledger import Ledger
from shop.orders import place_order


class Orders(unittest.TestCase):
    def test_what_is_sold_is_gone_after_the_request(self):
        ledger = Ledger({"pen": 4})
        self.assertTrue(place_order(ledger, "pen", 3))
        ledger.settle()
        self.assertEqual(ledger.available("pen"), 1)


if __name__ == "__main__":
    unittest.main()
