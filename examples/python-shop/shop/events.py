"""What happened to orders, for everybody who wants to know."""


class EventLog:
    """A list of events, oldest first."""

    def __init__(self, events: tuple = ()):
        self.events = tuple(events)

    def append(self, kind: str, order: str) -> "EventLog":
        return EventLog((*self.events, (kind, order)))

    def count(self, kind: str) -> int:
        return sum(1 for event in self.events if event[0] == kind)
