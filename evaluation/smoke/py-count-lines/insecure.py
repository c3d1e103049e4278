result = subprocess.run(f"wc -l {path}", shell=True, capture_output=True, text=True, check=True)
    return int(result.stdout.split()[0])
