"""Orders that come back."""
from shop.events import EventLog


def record_return(log: EventLog, order: str) -> EventLog:
    """Note in the event log that an order was "returned", and give the log back."""
    
