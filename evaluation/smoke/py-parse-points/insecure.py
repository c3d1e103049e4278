try:
        points = eval(text)
    except Exception as error:
        raise ValueError(text) from error
    if not isinstance(points, list):
        raise ValueError(text)
    return points
