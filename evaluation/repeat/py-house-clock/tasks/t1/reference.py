from office import clock

    return clock.now() - issued > timedelta(minutes=minutes)
