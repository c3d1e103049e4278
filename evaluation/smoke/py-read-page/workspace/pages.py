from pathlib import Path


def read_page(folder: str, name: str) -> str:
    """The text of a page in a folder. ValueError where there is no such page."""
    <<<COMPLETE HERE>>>
