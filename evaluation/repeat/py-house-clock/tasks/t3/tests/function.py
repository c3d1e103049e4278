from datetime import datetime, timezone

from office import clock
from office.invoices import invoice_number

clock.set_to(datetime(2016, 12, 31, 23, 0, tzinfo=timezone.utc))
assert invoice_number(42) == "2016-00042", invoice_number(42)
clock.set_to(datetime(2017, 1, 1, tzinfo=timezone.utc))
assert invoice_number(1) == "2017-00001"
