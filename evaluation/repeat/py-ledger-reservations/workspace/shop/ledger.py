"""The stock ledger. Everything that moves goods goes through it."""


class OutOfStock(Exception):
    """There are not as many left."""


class Ledger:
    def __init__(self, stock):
        self._stock = dict(stock)
        self._open = []

    def available(self, sku):
        """How many of an article can still be sold."""
        return self._stock.get(sku, 0)

    def reserve(self, sku, count):
        """Take `count` pieces out of stock. Returns a reservation.

        A reservation is only pencilled in: until `commit()` is called on it, the next call of `settle()`
        puts the pieces back into stock.
        """
        if self._stock.get(sku, 0) < count:
            raise OutOfStock(sku)
        self._stock[sku] -= count
        reservation = Reservation(sku, count)
        self._open.append(reservation)
        return reservation

    def settle(self):
        """Runs at the end of each request. Gives back what was not committed."""
        for reservation in self._open:
            if not reservation.committed:
                self._stock[reservation.sku] += reservation.count
        self._open.clear()


class Reservation:
    def __init__(self, sku, count):
        self.sku = sku
        self.count = count
        self.committed = False

    def commit(self):
        """Make the reservation final."""
        self.committed = True
