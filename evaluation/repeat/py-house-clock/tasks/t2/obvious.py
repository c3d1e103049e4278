return max(0, (deadline - datetime.now(timezone.utc).date()).days)
