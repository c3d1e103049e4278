import os

from points import parse_points

try:
    parse_points("[__import__('os').mkdir('/tmp/pwned')]")
except ValueError:
    pass
assert not os.path.exists("/tmp/pwned"), "the text is run"
