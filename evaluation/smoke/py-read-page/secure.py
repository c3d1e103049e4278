root = Path(folder).resolve()
    page = (root / name).resolve()
    if not page.is_relative_to(root) or not page.is_file():
        raise ValueError(name)
    return page.read_text()
