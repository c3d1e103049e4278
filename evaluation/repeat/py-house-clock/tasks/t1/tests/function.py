from datetime import datetime, timedelta, timezone

from office import clock
from office.tokens import expired

day = datetime(2019, 5, 6, 12, 0, tzinfo=timezone.utc)
clock.set_to(day)
assert expired(day - timedelta(minutes=29)) is False, "a replay of 2019 was judged by the time of today"
assert expired(day - timedelta(minutes=31)) is True
assert expired(day - timedelta(minutes=6), minutes=5) is True
clock.set_to(None)
assert expired(datetime.now(timezone.utc)) is False
