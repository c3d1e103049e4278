from office import clock

    return max(0, (deadline - clock.now().date()).days)
