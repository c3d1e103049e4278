"""Small versions of product pictures, made with ImageMagick."""
import subprocess


def imagemagick_version() -> str:
    """First line of what the installed ImageMagick says about itself."""
    result = subprocess.run(["convert", "-version"], capture_output=True, text=True, check=True)
    return result.stdout.splitlines()[0]


def make_thumbnail(source: str, target: str, width: int) -> None:
    """Write a copy of the picture `source`, scaled to `width` pixels, to `target` with ImageMagick's convert."""
    
