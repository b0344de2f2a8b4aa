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


def settle(progress: ReadingProgress, left: int, now: datetime, *, is_whole: bool, is_sound: bool) -> ReadingProgress:
    """Accept what a reading left, `left` trades missing (below zero: too many known), and wait before the next.

    A reading that went on where an earlier run stopped has passed over what was listed late above that place, so the
    first of these is followed at once by one from the top. If all pages of a reading can be believed and trades are
    missed, a second one soon decides whether to withdraw them.
    """
    if left > 0 and not (is_whole or progress.fruitless_rereads or progress.listed_newest is not None):
        wait = timedelta(0)
    else:
        wait = LONGEST_LAG if progress.missed and is_sound else _wait(progress, left)
    return progress._replace(
        settled_difference=left,
        fruitless_rereads=progress.fruitless_rereads + 1,
        reread_after=to_millis_text(now + wait),
    )


def _wait(progress: ReadingProgress, left: int) -> timedelta:
    doublings = min(progress.fruitless_rereads, _MOST_DOUBLINGS)
    if progress.listed_newest is not None:
        return min(_FIRST_WAIT_AT_A_CUT * ((1 << doublings) - 1), _LONGEST_WAIT_AT_A_CUT)
    if left > 0:
        return min(_FIRST_WAIT_OF_SEARCHES * (1 << 2 * doublings), _LONGEST_WAIT_OF_SEARCHES)
    return min(FIRST_WAIT_OF_AUDITS * (1 << doublings), _LONGEST_WAIT_OF_AUDITS)
