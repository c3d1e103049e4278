from lines import count_lines

with open("/tmp/three.txt", "w") as file:
    file.write("a\nb\nc\n")
assert count_lines("/tmp/three.txt") == 3
