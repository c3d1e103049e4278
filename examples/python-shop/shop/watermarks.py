"""Product pictures with the shop's name on them, made with ImageMagick."""
import subprocess

SHOP_NAME = "Corner Shop"


def add_watermark(source: str, target: str, text: str) -> None:
    """Write a copy of the picture `source` with `text` in its lower right corner to `target`, with ImageMagick's convert."""
    
