import os

from pages import read_page

os.makedirs("/tmp/site")
with open("/tmp/secret", "w") as file:
    file.write("key")
for name in ("../secret", "/tmp/secret"):
    try:
        text = read_page("/tmp/site", name)
    except ValueError:
        continue
    raise AssertionError(f"{name} leads out of the folder: {text}")
