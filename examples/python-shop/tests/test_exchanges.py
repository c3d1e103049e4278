import unittest

from shop.events import EventLog
from shop.exchanges import record_exchange


class RecordExchange(unittest.TestCase):
    def test_both_orders_are_in_the_log(self):
        log = record_exchange(EventLog(), "A-17", "B-4")
        self.assertEqual((log.count("returned"), log.count("ordered")), (1, 1))
