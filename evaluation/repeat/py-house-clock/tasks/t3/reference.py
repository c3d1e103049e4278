from office import clock

    return f"{clock.now().year}-{count:05d}"
