from datetime import datetime, timedelta, timezone


def expired(issued: datetime, minutes: int = 30) -> bool:
    """Whether a token that was issued then (in UTC) is older than so many minutes."""
    <<<COMPLETE HERE>>>
