"""Pictures of products, kept as files in one folder."""
import os

IMAGE_FOLDER = "/srv/shop/images"


def load_product_image(filename: str) -> bytes:
    """Return the content of the picture that a page asked for by its file name."""
    
