try:
        points = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError) as error:
        raise ValueError(text) from error
    if not isinstance(points, list) or not all(isinstance(p, tuple) and len(p) == 2 and all(isinstance(n, int) for n in p) for p in points):
        raise ValueError(text)
    return points
