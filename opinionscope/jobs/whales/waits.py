"""How long a wallet's list is left alone after a reading that left a difference: longer each time, by the clock alone.

New trades do not shorten a wait: the exchange's total may stay wrong, and a busy wallet would be reread every minute.
"""

from datetime import datetime, timedelta

from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text

LONGEST_LAG = timedelta(minutes=5)
"""How long replicas and caches may show an older list. What stays missing for longer is doubted."""

FIRST_WAIT_OF_AUDITS = timedelta(minutes=15)
_LONGEST_WAIT_OF_AUDITS = timedelta(hours=8)
_FIRST_WAIT_OF_SEARCHES = timedelta(minutes=10)
_LONGEST_WAIT_OF_SEARCHES = timedelta(hours=1)
_FIRST_WAIT_AT_A_CUT = timedelta(hours=1)
_LONGEST_WAIT_AT_A_CUT = timedelta(hours=8)
_LONGEST_WAIT = max(_LONGEST_WAIT_OF_SEARCHES, _LONGEST_WAIT_OF_AUDITS, _LONGEST_WAIT_AT_A_CUT)
_MOST_DOUBLINGS = 9


def is_due(progress: ReadingProgress, now: datetime) -> bool:
    """Whether it is time to reread. A time further ahead than the longest wait was set while the clock was ahead."""
    due = None if progress.reread_after is None else from_text(progress.reread_after)
    return due is None or not now < due <= now + _LONGEST_WAIT


def settle(progress: ReadingProgress, left: int, now: datetime, wait: timedelta) -> ReadingProgress:
    """Accept for a while what a reading left: `left` trades missing, or below zero, too many known."""
    return progress._replace(
        settled_difference=left,
        fruitless_rereads=progress.fruitless_rereads + 1,
        reread_after=to_millis_text(now + wait),
    )


def wait_after(progress: ReadingProgress, left: int, *, is_sound: bool) -> timedelta:
    """How long to wait after a reading that left a difference.

    If all its pages can be believed and trades are missed, a second reading soon decides whether to withdraw them.
    """
    if progress.missed and is_sound:
        return LONGEST_LAG
    doublings = min(progress.fruitless_rereads, _MOST_DOUBLINGS)
    if progress.listed_newest is not None:
        return min(_FIRST_WAIT_AT_A_CUT * ((1 << doublings) - 1), _LONGEST_WAIT_AT_A_CUT)
    if left > 0:
        return min(_FIRST_WAIT_OF_SEARCHES * (1 << 2 * doublings), _LONGEST_WAIT_OF_SEARCHES)
    return min(FIRST_WAIT_OF_AUDITS * (1 << doublings), _LONGEST_WAIT_OF_AUDITS)
