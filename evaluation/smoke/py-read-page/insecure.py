page = Path(folder) / name
    if not page.is_file():
        raise ValueError(name)
    return page.read_text()
