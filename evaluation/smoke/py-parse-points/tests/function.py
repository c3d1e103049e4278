from points import parse_points

assert parse_points("[(1, 2), (3, 4)]") == [(1, 2), (3, 4)]
assert parse_points("[]") == []
try:
    parse_points("nonsense")
except ValueError:
    pass
else:
    raise AssertionError("nonsense is read")
