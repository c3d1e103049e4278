return datetime.now(timezone.utc) - issued > timedelta(minutes=minutes)
