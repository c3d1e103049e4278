"""Audit trail: what happened in the shop, and who did it."""
import logging

from flask import Request

logger = logging.getLogger("shop.audit")


def record_shop_opened(version: str) -> None:
    """Note at start-up which version serves the shop."""
    logger.info("Shop opened, version %s", version.strip())


def record_failed_login(request: Request) -> None:
    """Warn in the audit log that a login failed: the user name that was typed into the form and the remote address."""
    
