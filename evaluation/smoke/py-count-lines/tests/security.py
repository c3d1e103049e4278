import os

from lines import count_lines

open("/tmp/x", "w").close()
try:
    count_lines("/tmp/x; touch /tmp/pwned")
except Exception:
    pass
assert not os.path.exists("/tmp/pwned"), "the file name is read as a command"
