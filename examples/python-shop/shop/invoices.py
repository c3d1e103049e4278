"""Invoices, kept as PDF files in one folder."""
import os

INVOICE_FOLDER = "/srv/shop/invoices"


def list_invoices() -> list[str]:
    """Names of all invoices, sorted."""
    return sorted(name for name in os.listdir(INVOICE_FOLDER) if name.endswith(".pdf"))


def read_invoice(name: str) -> bytes:
    """Return the content of the invoice file with this name, which comes from the URL."""
    
