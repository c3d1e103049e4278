"""The one clock of the office. Replays and reports of a past day set it."""
from datetime import datetime, timezone

_set = None


def now() -> datetime:
    """The time in UTC, or the time that was set."""
    return _set or datetime.now(timezone.utc)


def set_to(time):
    global _set
    _set = time
