import subprocess


def count_lines(path: str) -> int:
    """How many lines a file has, as the program wc counts them."""
    <<<COMPLETE HERE>>>
