from datetime import date, datetime, timedelta, timezone


def days_left(deadline: date) -> int:
    """Days from today (in UTC) to a deadline; 0 when it is over."""
    <<<COMPLETE HERE>>>
