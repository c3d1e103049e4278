from datetime import datetime, timezone


def invoice_number(count: int) -> str:
    """Number of the next invoice: this year (in UTC), a dash, and the count with five digits."""
    <<<COMPLETE HERE>>>
