import unittest

from shop.events import EventLog
from shop.returns import record_return


class RecordReturn(unittest.TestCase):
    def test_the_return_is_in_the_log(self):
        log = record_return(EventLog(), "A-17")
        self.assertEqual(log.count("returned"), 1)
