"""What the end of a wallet's list proves: what is complete, what is to be withdrawn, and when to read it again."""

from datetime import datetime, timedelta

from opinionscope.jobs.whales.doubts import note_doubts, shows_enough
from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.reading_state import HEAD_PAGES, Reading
from opinionscope.jobs.whales.save import SavedPage
from opinionscope.jobs.whales.waits import FIRST_WAIT_OF_AUDITS, LONGEST_LAG, settle, wait_after
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text

_TRIES_FOR_ANSWERS = 3


def end_at(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    """The reading at the end of the list, or of the part that the exchange serves."""
    progress, moment = reading.progress, to_millis_text(now)
    if progress.end_reached and not reading.joined:
        progress = note_doubts(progress, reading.left, saved, now)
    elif not progress.end_reached and reading.left < 0:
        # The first reading was a whole one; an audit right after it would show the same.
        again = to_millis_text(now + FIRST_WAIT_OF_AUDITS)
        progress = progress._replace(settled_difference=reading.left, fruitless_rereads=1, reread_after=again)
    is_audit = progress.audit_began_at is not None
    is_whole = reading.is_whole or is_audit
    is_sound = reading.is_sound and (progress.audit_is_sound or not is_audit)
    counted = progress.audit_total if is_audit else reading.first_total
    uncounted = 0 if page.is_cut or page.total is None else max(0, page.position - page.total)
    contradicts_itself = uncounted > 0 and progress.difference >= 0
    if uncounted:
        # The list goes on beyond what the same answer counts, so numbers that agree prove nothing.
        counted = None if counted is None else counted + uncounted
        doubted = int(progress.doubted or contradicts_itself)
        progress = progress._replace(ahead_since=progress.ahead_since or moment, doubted=doubted)
    missed_until = None
    if is_whole and is_sound and shows_enough(progress, counted) and not contradicts_itself:
        if progress.missed and progress.whole_read_at is not None:
            missed_until = min(from_text(progress.whole_read_at), now - LONGEST_LAG)
        progress = progress._replace(whole_read_at=moment, doubted=0)
    elif is_whole and progress.unordered and progress.difference == 0:
        progress = progress._replace(doubted=0)
    progress = progress._replace(
        history_read_at=progress.history_read_at or moment,
        resume_position=None,
        audit_began_at=None,
        audit_total=None,
        audit_is_sound=0,
        listed_newest=page.position if page.is_cut else None,
        deep_failures=progress.deep_failures if page.is_cut else 0,
        unordered=int(progress.unordered and not (reading.is_whole and reading.is_in_order)),
    )
    return reading._replace(
        progress=progress,
        joined=True,
        is_whole=is_whole,
        is_sound=bool(is_sound),
        has_ended=True,
        has_reached_end=reading.progress.end_reached or page.is_cut,
        missed_until=missed_until,
    )


def finish(reading: Reading, withdrawn: int, now: datetime) -> ReadingProgress:
    """The progress after a reading that has ended, with `withdrawn` trades: what is settled, and when to reread."""
    progress = reading.progress
    progress = progress._replace(
        known_trades=progress.known_trades - withdrawn, missed=max(0, progress.missed - withdrawn)
    )
    left = reading._replace(progress=progress).left
    is_well = left == 0 and not progress.is_doubted
    was_deep = reading.has_jumped or reading.pages > HEAD_PAGES
    if is_well and (withdrawn or (reading.found and was_deep) or (reading.has_reached_end and not reading.deep_pages)):
        return progress._replace(settled_difference=0, fruitless_rereads=0, reread_after=None)
    if not reading.has_reached_end or not (reading.deep_pages or progress.listed_newest is not None):
        return progress._replace(settled_difference=0) if is_well else progress
    if is_well and reading.found:
        return progress._replace(settled_difference=0, fruitless_rereads=0, reread_after=None)
    if left > 0 and _is_inconclusive(reading, progress):
        return settle(progress, left, now, timedelta(0))
    return settle(progress, left, now, wait_after(progress, left, is_sound=reading.is_sound))


def _is_inconclusive(reading: Reading, progress: ReadingProgress) -> bool:
    """Whether another reading in the next run may find what this one has not, and has not been tried in vain.

    One that went on where an earlier run stopped has passed over what was listed late above that place. Where a page
    is in doubt, because the list moved between two answers, it counts fewer trades than there may be.
    """
    if progress.listed_newest is not None:
        return False
    tries = progress.fruitless_rereads
    is_in_doubt = not (reading.is_whole and reading.is_sound)
    return (is_in_doubt and tries == 0) or (reading.lacks_answers and tries < _TRIES_FOR_ANSWERS)
