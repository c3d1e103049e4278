from shop.ledger import Ledger
from shop.orders import place_order

ledger = Ledger({"tea": 5, "cup": 1})
assert place_order(ledger, "tea", 2) is True
assert place_order(ledger, "cup", 2) is False, "there was only one cup"
ledger.settle()
assert ledger.available("tea") == 3, f"after settling, {ledger.available('tea')} teas are left, not 3"
assert ledger.available("cup") == 1
