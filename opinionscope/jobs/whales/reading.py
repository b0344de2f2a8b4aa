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

from dataclasses import dataclass, replace
from datetime import datetime

from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.look_again import Look, begin_look, note_new
from opinionscope.jobs.whales.save import SavedPage
from opinionscope.jobs.whales.waits import FIRST_WAIT_OF_AUDITS, LONGEST_LAG, is_due, settle
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text

HEAD_PAGES = 10
_HEAD_PAGES_IN_VAIN = 4


@dataclass(frozen=True)
class Reading:
    """How far one run has read a wallet's list.

    `joined`: it has met trades of an earlier run, or the end. `resume_below` is where an earlier run stopped, moved
    down by the trades that have come on top since. `first_total` is the exchange's count on the first page of this run,
    `last_total` its count in the run before, and `total_fell` by how much the count has fallen within this run.

    `gained` counts the trades that became known, and `found` those of them below where the run joined. `pages` counts
    the pages read, and `deep_pages` those below where it joined. `newest` is the unix second of the newest trade.

    `is_whole`: it has left out nothing from the top down. `is_sound`: all its pages can be believed. `has_jumped`: it
    went on where an earlier run stopped. `has_ended`: the reading is over; `has_reached_end`: at the end of a list that
    had been read to its end before, or that the exchange cuts. What has been missed since `missed_until` or longer is
    to be withdrawn. `look`: known trades that are to be looked at again.
    """

    progress: ReadingProgress
    joined: bool = False
    resume_below: int | None = None
    first_total: int | None = None
    last_total: int | None = None
    gained: int = 0
    found: int = 0
    pages: int = 0
    deep_pages: int = 0
    is_whole: bool = True
    is_sound: bool = True
    is_in_order: bool = True
    has_ended: bool = False
    has_reached_end: bool = False
    has_jumped: bool = False
    missed_until: datetime | None = None
    look: Look | None = None
    newest: int = 0
    total_fell: int = 0

    @property
    def grown(self) -> int:
        """By how much the list has grown in this run. The next run reads what came on top."""
        return max(0, (self.progress.api_total or 0) - (self.first_total or 0))

    @property
    def left(self) -> int:
        """How many trades are missing below what came on top in this run; negative if more are known than counted."""
        difference = self.progress.difference
        return max(0, difference - self.grown) if difference > 0 else difference

    def most_new(self, total: int | None) -> int | None:
        """How many new trades a page with this total can bring; None if nothing limits the number."""
        progress = self.progress
        if total is None or self.last_total is None or not progress.end_reached:
            return None
        return max(0, total - progress.known_trades, total - self.last_total - self.gained)


def begin(progress: ReadingProgress, now: datetime) -> Reading:
    """The state in which a run begins."""
    look, progress = begin_look(progress, now)
    return Reading(progress, resume_below=progress.resume_position, last_total=progress.api_total, look=look)


def advance(reading: Reading, page: PageRead, saved: SavedPage, *, met_known: bool, now: datetime) -> Reading:
    """The state after a page. `met_known`: it shows a trade of an earlier run. Call `finish` once `has_ended`."""
    reading = _take_in(reading, page, saved, now)
    progress = reading.progress
    if page.is_last:
        return _end(reading, page, saved, now)
    if not reading.joined and met_known:
        return _join(reading, page, saved, now)
    if reading.joined and _search_is_over(reading, page, saved, now):
        return replace(reading, progress=_stop(progress, saved), has_ended=True)
    return replace(reading, progress=replace(progress, resume_position=_position(reading, page)))


def _position(reading: Reading, page: PageRead) -> int:
    """How far down the page ends, without what came on top during this run: the next one reads that and adds it."""
    return max(0, page.position - reading.grown)


def finish(reading: Reading, withdrawn: int, now: datetime) -> ReadingProgress:
    """The progress after a reading that has ended, with `withdrawn` trades: what is settled, and when to reread."""
    progress = reading.progress
    progress = replace(
        progress, known_trades=progress.known_trades - withdrawn, missed=max(0, progress.missed - withdrawn)
    )
    left = replace(reading, progress=progress).left
    is_well = left == 0 and not progress.is_doubted
    was_deep = reading.has_jumped or reading.pages > HEAD_PAGES
    if is_well and (withdrawn or (reading.found and was_deep) or (reading.has_reached_end and not reading.deep_pages)):
        return replace(progress, settled_difference=0, fruitless_rereads=0, reread_after=None)
    if not reading.has_reached_end or not (reading.deep_pages or progress.listed_newest is not None):
        return replace(progress, settled_difference=0) if is_well else progress
    if is_well and reading.found:
        return replace(progress, settled_difference=0, fruitless_rereads=0, reread_after=None)
    return settle(progress, left, now, is_sound=reading.is_sound)


def _take_in(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    progress, gained = reading.progress, saved.new.total()
    total = progress.api_total if page.total is None else page.total
    if reading.pages and page.total is not None:
        # Of two servers, the one that counts more is more up to date.
        total = max(page.total, progress.api_total or 0)
    fell = 0 if page.total is None or total is None else total - page.total
    is_clear = page.is_settled and (page.closed is not None or page.is_cut) and not saved.waiting.keys
    is_sound = reading.is_sound and is_clear
    is_open = bool(page.problems or saved.missed or saved.waiting.keys or progress.doubted)
    newest = reading.newest or max((second for second, _ in page.keys), default=0)
    progress = note_new(progress, [second for second, _ in saved.new], newest, now)
    progress = replace(
        progress,
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
    return replace(
        reading,
        progress=progress,
        resume_below=resume_below,
        first_total=page.total if reading.pages == 0 else reading.first_total,
        gained=reading.gained + gained,
        found=reading.found + (gained if reading.joined else 0),
        pages=reading.pages + 1,
        deep_pages=reading.deep_pages + reading.joined,
        is_sound=is_sound,
        is_in_order=reading.is_in_order and page.in_order,
        newest=newest,
        total_fell=max(reading.total_fell, fell),
    )


def _join(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    """The reading where it meets known trades: resume where an earlier run stopped, read deeper, or stop."""
    progress = _note_doubts(reading.progress, reading.left, saved, now)
    reading = replace(reading, progress=progress, joined=True)
    position = _position(reading, page)
    if reading.resume_below is not None:
        progress = replace(progress, resume_position=reading.resume_below)
        return replace(reading, progress=progress, is_whole=False, has_jumped=True)
    if not progress.end_reached:
        return replace(reading, progress=replace(progress, resume_position=position))
    if progress.doubted and is_due(progress, now):
        progress = replace(
            progress,
            resume_position=position,
            audit_began_at=to_millis_text(now),
            audit_total=reading.first_total,
            audit_is_sound=int(reading.is_sound),
        )
    elif _is_to_be_searched(reading, now) or _looks_on(reading, page, saved):
        progress = replace(progress, resume_position=position)
    else:
        progress = _stop(progress, saved)
    return replace(reading, progress=progress)


def _stop(progress: ReadingProgress, saved: SavedPage) -> ReadingProgress:
    """The progress where a reading stops. Trades that waited for it and were not confirmed raise a doubt."""
    return replace(progress, resume_position=None, doubted=int(progress.doubted or saved.waiting.unconfirmed > 0))


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


def _note_doubts(progress: ReadingProgress, left: int, saved: SavedPage, now: datetime) -> ReadingProgress:
    """The progress, doubted if something contradicts what is known."""
    long_ago = now - LONGEST_LAG
    doubted = bool(progress.doubted)
    if saved.missed_since is not None and from_text(saved.missed_since) <= long_ago:
        doubted = True
    ahead_since = progress.ahead_since
    if left < 0:
        ahead_since = ahead_since or to_millis_text(now)
        doubted = doubted or (left != progress.settled_difference and from_text(ahead_since) <= long_ago)
    elif ahead_since is not None:
        # After a surplus, numbers that agree prove nothing: a missing trade can hide behind one too many.
        doubted, ahead_since = True, None
    if left > progress.settled_difference and progress.settled_difference < 0:
        doubted = True
    return replace(progress, doubted=int(doubted), ahead_since=ahead_since)


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
    looked_through = HEAD_PAGES if not progress.fruitless_rereads else _HEAD_PAGES_IN_VAIN
    return not reading.has_jumped and reading.pages >= looked_through


def _end(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    """The reading at the end of the list, or of the part that the exchange serves."""
    progress, moment = reading.progress, to_millis_text(now)
    if progress.end_reached and not reading.joined:
        progress = _note_doubts(progress, reading.left, saved, now)
    elif not progress.end_reached and reading.left < 0:
        # The first reading was a whole one; an audit right after it would show the same.
        again = to_millis_text(now + FIRST_WAIT_OF_AUDITS)
        progress = replace(progress, settled_difference=reading.left, fruitless_rereads=1, reread_after=again)
    is_audit = progress.audit_began_at is not None
    is_whole = reading.is_whole or is_audit
    is_sound = reading.is_sound and (progress.audit_is_sound or not is_audit)
    counted = progress.audit_total if is_audit else reading.first_total
    uncounted = 0 if page.is_cut or page.total is None else max(0, page.position - page.total)
    if uncounted:
        # The list goes on beyond what the same answer counts, so numbers that agree prove nothing.
        counted = None if counted is None else counted + uncounted
        progress = replace(progress, ahead_since=progress.ahead_since or moment)
    missed_until = None
    if is_whole and is_sound and _shows_enough(progress, counted):
        if progress.missed and progress.whole_read_at is not None:
            missed_until = min(from_text(progress.whole_read_at), now - LONGEST_LAG)
        progress = replace(progress, whole_read_at=moment, doubted=0)
    elif is_whole and progress.unordered and progress.difference == 0:
        progress = replace(progress, doubted=0)
    progress = replace(
        progress,
        history_read_at=progress.history_read_at or moment,
        resume_position=None,
        audit_began_at=None,
        audit_total=None,
        audit_is_sound=0,
        listed_newest=page.position if page.is_cut else None,
        deep_failures=progress.deep_failures if page.is_cut else 0,
        unordered=int(progress.unordered and not (reading.is_whole and reading.is_in_order)),
    )
    return replace(
        reading,
        progress=progress,
        joined=True,
        is_sound=bool(is_sound),
        has_ended=True,
        has_reached_end=reading.progress.end_reached or page.is_cut,
        missed_until=missed_until,
    )


def _shows_enough(progress: ReadingProgress, counted: int | None) -> bool:
    """Whether a whole reading has shown as many trades as the exchange counted, and any of the known ones."""
    shown = progress.known_trades - progress.missed
    return (counted is None or shown >= counted) and (shown > 0 or not progress.known_trades)
