"""Orders that are exchanged for others."""
from shop.events import EventLog


def record_exchange(log: EventLog, old: str, new: str) -> EventLog:
    """Note in the event log that the old order was "returned" and the new one "ordered", and give the log back."""
    
