from shop.bundles import sell_bundle
from shop.ledger import Ledger

ledger = Ledger({"tea": 2, "cup": 1})
assert sell_bundle(ledger, ["tea", "cup"]) is True
ledger.settle()
assert (ledger.available("tea"), ledger.available("cup")) == (1, 0), "a bundle that was sold is back in stock"
assert sell_bundle(ledger, ["tea", "cup"]) is False
ledger.settle()
assert ledger.available("tea") == 1, "half a bundle was sold"
