"""What one run's reading of a wallet's list means: pure rules, applied page by page, without network or database.

A run reads from the newest page down until it meets a trade that an earlier run knew. Nothing below that is new, as
far as the list has been read without a gap. A run reads deeper for these reasons:

* The end of the list was never reached. The run reads on towards it, over as many runs as that takes.
* The exchange counts more trades than are known, so some are missing, such as a fill that was indexed late. Each run
  searches the newest `HEAD_PAGES` pages, or fewer once a whole reading has found nothing. It searches the rest less and
  less often.
* What is known is doubted: an answer did not show what it should, or more trades are known than the exchange counts.
  An audit then reads the whole list and does not stop where the numbers agree. A trade that two whole readings in a
  row do not show is withdrawn.
* Known trades are due to be looked at again; see `look_again`.

The exchange's total may stay wrong. So whatever difference a whole reading leaves is accepted for a while; see `waits`.
"""

from datetime import datetime

from opinionscope.jobs.whales.doubts import note_doubts
from opinionscope.jobs.whales.end_of_list import end_at
from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.look_again import begin_look, note_new
from opinionscope.jobs.whales.reading_state import HEAD_PAGES, Reading
from opinionscope.jobs.whales.save import SavedPage
from opinionscope.jobs.whales.waits import is_due
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import to_millis_text

_HEAD_PAGES_IN_VAIN = 4


def begin(progress: ReadingProgress, now: datetime) -> Reading:
    """The state in which a run begins."""
    look, progress = begin_look(progress, now)
    return Reading(progress, resume_below=progress.resume_position, last_total=progress.api_total, look=look)


def advance(reading: Reading, page: PageRead, saved: SavedPage, *, met_known: bool, now: datetime) -> Reading:
    """The state after a page. `met_known`: it shows a trade of an earlier run. Call `finish` once `has_ended`."""
    reading = _take_in(reading, page, saved, now)
    progress = reading.progress
    if page.is_last:
        return end_at(reading, page, saved, now)
    if not reading.joined and met_known:
        return _join(reading, page, saved, now)
    if reading.joined and _search_is_over(reading, page, saved, now):
        return reading._replace(progress=_stop(progress, saved), has_ended=True)
    return reading._replace(progress=progress._replace(resume_position=_position(reading, page)))


def _position(reading: Reading, page: PageRead) -> int:
    """How far down the page ends, without what came on top during this run: the next one reads that and adds it."""
    return max(0, page.position - reading.grown)


def _take_in(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    progress, gained = reading.progress, len(saved.new)
    total = progress.api_total if page.total is None else page.total
    if reading.pages and page.total is not None:
        # Of two servers, the one that counts more is more up to date.
        total = max(page.total, progress.api_total or 0)
    fell = 0 if page.total is None or total is None else total - page.total
    is_clear = page.is_settled and (page.closed is not None or page.is_cut) and not saved.waiting.keys
    is_sound = reading.is_sound and is_clear
    is_open = bool(page.problems or saved.missed or saved.waiting.keys or progress.doubted)
    newest = reading.newest or max((second for second, _ in page.trades), default=0)
    progress = note_new(progress, [second for second, _ in saved.new], newest, now)
    progress = progress._replace(
        known_trades=progress.known_trades + gained,
        api_total=total,
        newest_page=None if page.number != 1 or is_open else page.digest,
        missed=saved.missed,
        waiting=saved.waiting.keys,
        waiting_from=saved.waiting.earliest,
        unordered=int(progress.unordered or not page.in_order),
        audit_is_sound=int(progress.audit_is_sound and is_sound),
    )
    resume_below = reading.resume_below
    if resume_below is not None and not reading.joined:
        resume_below += gained
    return reading._replace(
        progress=progress,
        resume_below=resume_below,
        first_total=page.total if reading.pages == 0 else reading.first_total,
        gained=reading.gained + gained,
        found=reading.found + (gained if reading.joined else 0),
        pages=reading.pages + 1,
        deep_pages=reading.deep_pages + reading.joined,
        is_sound=is_sound,
        lacks_answers=reading.lacks_answers or page.lacks_answers,
        is_in_order=reading.is_in_order and page.in_order,
        newest=newest,
        total_fell=max(reading.total_fell, fell),
    )


def _join(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    """The reading where it meets known trades: resume where an earlier run stopped, read deeper, or stop."""
    progress = note_doubts(reading.progress, reading.left, saved, now)
    reading = reading._replace(progress=progress, joined=True)
    position = _position(reading, page)
    if reading.resume_below is not None:
        progress = progress._replace(resume_position=reading.resume_below)
        return reading._replace(progress=progress, is_whole=False, has_jumped=True)
    if not progress.end_reached:
        return reading._replace(progress=progress._replace(resume_position=position))
    if progress.doubted and is_due(progress, now):
        progress = progress._replace(
            resume_position=position,
            audit_began_at=to_millis_text(now),
            audit_total=reading.first_total,
            audit_is_sound=int(reading.is_sound),
        )
    elif _is_to_be_searched(reading, now) or _looks_on(reading, page, saved):
        progress = progress._replace(resume_position=position)
    else:
        progress = _stop(progress, saved)
    return reading._replace(progress=progress)


def _stop(progress: ReadingProgress, saved: SavedPage) -> ReadingProgress:
    """The progress where a reading stops. Trades that waited for it and were not confirmed raise a doubt."""
    return progress._replace(resume_position=None, doubted=int(progress.doubted or saved.waiting.unconfirmed > 0))


def _is_to_be_searched(reading: Reading, now: datetime) -> bool:
    """Whether more is missing than a whole reading left, or anything is missing and a reread is due."""
    is_unsettled = reading.left > max(reading.progress.settled_difference, reading.total_fell)
    return reading.left > 0 and (is_unsettled or is_due(reading.progress, now))


def _looks_on(reading: Reading, page: PageRead, saved: SavedPage) -> bool:
    """Whether known trades below this page are to be looked at again."""
    look, progress = reading.look, reading.progress
    ends_at = progress.api_total if progress.listed_newest is None else progress.listed_newest
    if look is None or saved.oldest <= look.until or (ends_at is not None and page.position >= ends_at):
        return False
    return look.is_far or reading.pages < HEAD_PAGES


def _search_is_over(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> bool:
    """Whether nothing more is missing, or the newest pages have been searched and a deeper search is not due."""
    progress = reading.progress
    if progress.audit_began_at is not None or not progress.end_reached:
        return False
    if reading.look is not None:
        return not _looks_on(reading, page, saved)
    if reading.left <= 0:
        return True
    if is_due(progress, now):
        return False
    # A count that falls while the list is read can be wrong by as much.
    if reading.left <= reading.total_fell:
        return True
    looked_through = _HEAD_PAGES_IN_VAIN if progress.settled_difference else HEAD_PAGES
    return not reading.has_jumped and reading.pages >= looked_through
