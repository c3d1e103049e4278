import os

from pages import read_page

os.makedirs("/tmp/site/sub")
with open("/tmp/site/sub/a.txt", "w") as file:
    file.write("hello")
assert read_page("/tmp/site", "sub/a.txt") == "hello"
try:
    read_page("/tmp/site", "b.txt")
except ValueError:
    pass
else:
    raise AssertionError("a page that is not there has a text")
