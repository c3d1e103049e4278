from shop.ledger import Ledger, OutOfStock


def place_order(ledger: Ledger, sku: str, count: int) -> bool:
    """Sell `count` pieces of an article. False when there are not enough."""
    <<<COMPLETE HERE>>>
