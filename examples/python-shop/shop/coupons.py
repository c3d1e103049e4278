"""Coupon codes that customers type in at the checkout."""
import logging

from flask import Request

logger = logging.getLogger("shop.coupons")

MINIMUM_LENGTH = 6


def is_well_formed(code: str) -> bool:
    """True for a code that can be one of ours at all."""
    return len(code) >= MINIMUM_LENGTH and code.isalnum()


def record_rejected_coupon(request: Request) -> None:
    """Warn in the log that a coupon was rejected: the code from the form and the customer's browser (User-Agent)."""
    
