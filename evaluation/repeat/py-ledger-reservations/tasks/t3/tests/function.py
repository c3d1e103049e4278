from shop.ledger import Ledger
from shop.repairs import use_spare_parts

ledger = Ledger({"belt": 3, "bolt": 10})
assert use_spare_parts(ledger, {"belt": 2, "gear": 1, "bolt": 4}) == ["gear"]
ledger.settle()
assert ledger.available("belt") == 1, "parts that were used are back in stock"
assert ledger.available("bolt") == 6
