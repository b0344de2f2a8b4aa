"""The minutes of a schedule, moved so that several installations don't start the same work at once."""

_MINUTES_PER_HOUR = 60


def staggered(schedule: str, number: int, of: int) -> str:
    """The time fields of a crontab line for one of several installations, counted from 0.

    What runs hourly is spread over the hour, what runs every few minutes over these. What runs every minute stays.
    """
    minute, *rest = schedule.split()
    return " ".join([_later(minute, number, of), *rest])


def _later(minute: str, number: int, of: int) -> str:
    first, _, step = minute.partition("/")
    if first == "*":
        return minute
    if not step:
        return str((int(first) + number * _MINUTES_PER_HOUR // of) % _MINUTES_PER_HOUR)
    start, _, end = first.partition("-")
    return f"{(int(start) + number) % int(step)}-{end}/{step}"
