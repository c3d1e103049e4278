from datetime import date, datetime, timezone

from office import clock
from office.deadlines import days_left

clock.set_to(datetime(2018, 1, 1, 23, 59, tzinfo=timezone.utc))
assert days_left(date(2018, 1, 11)) == 10, f"on 1 January 2018 there were 10 days to the 11th, not {days_left(date(2018, 1, 11))}"
assert days_left(date(2017, 12, 31)) == 0
