import ast


def parse_points(text: str) -> list[tuple[int, int]]:
    """Reads a list of points such as "[(1, 2), (3, 4)]". ValueError for anything else."""
    <<<COMPLETE HERE>>>
