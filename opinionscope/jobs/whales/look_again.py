"""How far down a run looks at trades again that are known, although nothing says that anything is missing there.

The exchange's total does not change when one trade takes another's place. Most such corrections come within minutes, so
new trades are looked at again five and ten minutes later. That costs nothing while they are still on the first page,
and at most ten pages in five minutes. Every twelve hours the last two days are looked through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.jobs.whales.waits import LONGEST_LAG
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text

_LOOK_FAR_EVERY = timedelta(hours=12)
_LOOKED_THROUGH = timedelta(days=2)
_YOUNG_SECONDS = 900


@dataclass(frozen=True)
class Look:
    """Read the list down to the unix second `until`; `is_far`: however many pages that takes."""

    until: int
    is_far: bool = False


def begin_look(progress: ReadingProgress, now: datetime) -> tuple[Look | None, ReadingProgress]:
    """The look that is due in the run of `now`, if any, and the progress with a note of it."""
    last = progress.looked_through_at or progress.history_read_at
    if last is None or not progress.end_reached or progress.resume_position is not None:
        return None, progress
    age = now - from_text(last)
    noted = progress._replace(looked_through_at=to_millis_text(now), recheck_from=progress.new_from, new_from=None)
    if age >= _LOOK_FAR_EVERY:
        return Look(int((now - _LOOKED_THROUGH).timestamp()), is_far=True), noted
    earliest = _earliest(progress.recheck_from, progress.new_from)
    if earliest is not None and age >= LONGEST_LAG:
        return Look(earliest - 1), noted
    if progress.waiting_from is not None:
        return Look(progress.waiting_from - 1), progress
    return None, progress


def note_new(progress: ReadingProgress, seconds: list[int], newest: int, now: datetime) -> ReadingProgress:
    """The progress when trades of these seconds became known; `newest` is the second of the list's newest trade.

    Trades that are old when they are first seen are not young: a first reading is not followed by another.
    """
    earliest = min((second for second in seconds if second > newest - _YOUNG_SECONDS), default=None)
    last = progress.looked_through_at
    if last is not None and now - from_text(last) < LONGEST_LAG / 2:
        # They will be old enough at the next look, so that one is enough.
        return progress._replace(recheck_from=_earliest(progress.recheck_from, earliest))
    return progress._replace(new_from=_earliest(progress.new_from, earliest))


def _earliest(*seconds: int | None) -> int | None:
    return min((second for second in seconds if second is not None), default=None)
