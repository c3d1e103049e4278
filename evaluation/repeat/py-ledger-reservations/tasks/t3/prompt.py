from shop.ledger import Ledger, OutOfStock


def use_spare_parts(ledger: Ledger, needed: dict[str, int]) -> list[str]:
    """Take the spare parts of a repair out of stock, as many of each as are needed. Returns the articles that were missing;
    those that were there are used all the same."""
    <<<COMPLETE HERE>>>
