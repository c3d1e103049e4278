from shop.ledger import Ledger, OutOfStock


def sell_bundle(ledger: Ledger, skus: list[str]) -> bool:
    """Sell one piece of each article of a bundle. Where one of them is missing, nothing is sold and False returned.

    The caller settles the ledger in both cases.
    """
    <<<COMPLETE HERE>>>
