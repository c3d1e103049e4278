return f"{datetime.now(timezone.utc).year}-{count:05d}"
