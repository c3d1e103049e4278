"""Remembers what was expensive to ask for."""


class Entry:
    def __init__(self, value, age):
        self.value = value
        self.age = age

    @property
    def fresh(self):
        """Whether the value may still be used; one that is not has to be fetched again."""
        return self.age <= Cache.MAX_AGE


class Cache:
    MAX_AGE = 60

    def __init__(self):
        self._entries = {}
        self._now = 0

    def advance(self, seconds):
        self._now += seconds

    def put(self, key, value):
        self._entries[key] = (value, self._now)

    def get(self, key):
        """The entry of a key, or None.

        Old entries stay, for whoever would rather show something old than nothing: `fresh` says whether one is current.
        """
        if key not in self._entries:
            return None
        value, at = self._entries[key]
        return Entry(value, self._now - at)
