"""What one run's reading of a wallet's list means: pure rules, page after page, without network and database.

A run reads the newest page, and goes on until it meets a trade that was known before: from there down nothing is new,
as far as the list has been read without a gap. What makes it read deeper:

* The end of the list was never reached: it is read down to there, over as many runs as that takes.
* The exchange counts more than is known, so something is missing, such as a fill that was indexed late: each run looks
  through the newest `HEAD_PAGES` pages, fewer where a whole reading was in vain; below them the list is searched too,
  but in vain only ever more seldom.
* What is known is doubted, since an answer did not show what it should, or more is known than the exchange counts: an
  audit reads the whole list and does not stop where the numbers agree. Two whole readings in a row that miss a trade
  withdraw it.
* Twice a day the trades of the last two days are looked through, whatever the numbers say: where one trade has taken
  the place of another they do not tell.

The total is upstream's word and may stay wrong. So what a whole reading leaves is taken as settled, and the next one
waits, longer each time, by the clock alone.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.save import SavedPage
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text

HEAD_PAGES = 10
_HEAD_PAGES_IN_VAIN = 4
_FIRST_WAIT_OF_SEARCHES = timedelta(minutes=10)
_LONGEST_WAIT_OF_SEARCHES = timedelta(hours=1)
_FIRST_WAIT_OF_AUDITS = timedelta(minutes=15)
_LONGEST_WAIT_OF_AUDITS = timedelta(hours=8)
_FIRST_WAIT_AT_A_CUT = timedelta(hours=1)
_LONGEST_WAIT_AT_A_CUT = timedelta(hours=8)
_LOOK_THROUGH_EVERY = timedelta(hours=12)
_LOOKED_THROUGH = timedelta(days=2)
_YOUNG_SECONDS = 900
_LONGEST_WAIT = max(_LONGEST_WAIT_OF_SEARCHES, _LONGEST_WAIT_OF_AUDITS, _LONGEST_WAIT_AT_A_CUT)
LONGEST_LAG = timedelta(minutes=5)
"""For how long replicas and caches may show an older list: what is missed for longer is doubted."""


@dataclass(frozen=True)
class Reading:
    """How far one run has read a wallet's list.

    `joined`: it has met trades of an earlier run, or the end. `resume_below`: where an earlier run stopped, moved down
    by what came on top since. `first_total` is the exchange's count at the first page of this run, `last_total` that
    of the run before. `gained` counts the trades that became known, `found` those below where it joined, `pages` the
    pages read, `deep_pages` those below it. `is_whole`: nothing was left out from the top down. `is_sound`: every
    page can be believed.
    `has_ended`: the reading is over, `has_reached_end`: at the end of a list that had been read before or is cut.
    `missed_until`: what has been missed since then or longer is to be withdrawn. `looks_until`: the unix second down to
    which the list is looked through in any case; None for as far as anything is missing.
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
    looks_until: int | None = None
    looks_deep: bool = False
    newest: int = 0
    total_fell: int = 0

    @property
    def grown(self) -> int:
        """By how much the list has grown in this run: what came on top is left to the next one."""
        return max(0, (self.progress.api_total or 0) - (self.first_total or 0))

    @property
    def left(self) -> int:
        """How many trades are missing below what came on top in this run; below zero where too many are known."""
        difference = self.progress.difference
        return max(0, difference - self.grown) if difference > 0 else difference

    def most_new(self, total: int | None) -> int | None:
        """How many new trades a page can bring that tells this total; None where nothing speaks against any number."""
        progress = self.progress
        if total is None or self.last_total is None or not progress.end_reached:
            return None
        return max(0, total - progress.known_trades, total - self.last_total - self.gained)


def begin(progress: ReadingProgress, now: datetime) -> Reading:
    """The state in which a run begins."""
    looks_until, kind = _looks_until(progress, now)
    if kind is not None:
        progress = replace(
            progress, looked_through_at=to_millis_text(now), recheck_from=progress.new_from, new_from=None
        )
    return Reading(
        progress,
        resume_below=progress.resume_position,
        last_total=progress.api_total,
        looks_until=looks_until,
        looks_deep=kind == _LOOK_THROUGH_EVERY,
    )


def _looks_until(progress: ReadingProgress, now: datetime) -> tuple[int | None, timedelta | None]:
    """The unix second down to which this run looks through the list, None for not at all; and how old a look is due."""
    last = progress.looked_through_at or progress.history_read_at
    if last is None or not progress.end_reached or progress.resume_position is not None:
        return None, None
    age = now - from_text(last)
    if age >= _LOOK_THROUGH_EVERY:
        return int((now - _LOOKED_THROUGH).timestamp()), _LOOK_THROUGH_EVERY
    young = [second for second in (progress.new_from, progress.recheck_from) if second is not None]
    if young and age >= LONGEST_LAG:
        return min(young) - 1, LONGEST_LAG
    if progress.waiting and progress.waiting_from is not None:
        return progress.waiting_from - 1, None
    return None, None


def advance(reading: Reading, page: PageRead, saved: SavedPage, *, met_known: bool, now: datetime) -> Reading:
    """The state after a page. `met_known`: it shows a trade of an earlier run. `finish` follows where it has ended."""
    reading = _take_in(reading, page, saved, now)
    progress = reading.progress
    if page.is_last:
        return _end(reading, page, saved, now)
    position = max(0, page.position - reading.grown)
    if not reading.joined and met_known:
        return _join(reading, position, saved, now)
    if reading.joined and _search_is_over(reading, page, saved, now):
        return replace(reading, progress=_stop(progress, saved), has_ended=True)
    # What came on top during this run will be added by the next one, which reads it again.
    return replace(reading, progress=replace(progress, resume_position=position))


def finish(reading: Reading, withdrawn: int, now: datetime) -> ReadingProgress:
    """The progress when a reading has ended and trades were withdrawn: what is settled, and when to look again."""
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
    if progress.missed and reading.is_sound:
        wait = LONGEST_LAG
    elif progress.listed_newest is not None:
        wait = min(_FIRST_WAIT_AT_A_CUT * (2 ** min(progress.fruitless_rereads, 9) - 1), _LONGEST_WAIT_AT_A_CUT)
    elif left > 0:
        wait = min(_FIRST_WAIT_OF_SEARCHES * 4 ** min(progress.fruitless_rereads, 9), _LONGEST_WAIT_OF_SEARCHES)
    else:
        wait = min(_FIRST_WAIT_OF_AUDITS * 2 ** min(progress.fruitless_rereads, 9), _LONGEST_WAIT_OF_AUDITS)
    return replace(
        progress,
        settled_difference=left,
        fruitless_rereads=progress.fruitless_rereads + 1,
        reread_after=to_millis_text(now + wait),
    )


def _take_in(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    progress, gained = reading.progress, saved.new.total()
    total = progress.api_total if page.total is None else page.total
    if reading.pages and page.total is not None:
        # Of two servers the one that counts more knows more.
        total = max(page.total, progress.api_total or 0)
    is_clear = page.is_settled and (page.closed is not None or page.is_cut) and not saved.waiting.keys
    is_sound = reading.is_sound and is_clear
    is_open = bool(page.problems or saved.missed or saved.waiting.keys or progress.doubted)
    newest = reading.newest or max((second for second, _ in page.keys), default=0)
    progress = _note_young(progress, [second for second, _ in saved.new if second > newest - _YOUNG_SECONDS], now)
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
        total_fell=max(reading.total_fell, (total or 0) - (page.total or 0))
        if page.total is not None
        else reading.total_fell,
    )


def _note_young(progress: ReadingProgress, seconds: list[int], now: datetime) -> ReadingProgress:
    """Remember how far up the list new trades reach that are to be looked at again."""
    if not seconds:
        return progress
    last = progress.looked_through_at
    if last is not None and now - from_text(last) < LONGEST_LAG / 2:
        earlier = seconds if progress.recheck_from is None else [*seconds, progress.recheck_from]
        return replace(progress, recheck_from=min(earlier))
    earlier = seconds if progress.new_from is None else [*seconds, progress.new_from]
    return replace(progress, new_from=min(earlier))


def _join(reading: Reading, position: int, saved: SavedPage, now: datetime) -> Reading:
    """Where the list is known: go to where an earlier run stopped, or read on down, or be done."""
    progress = _note_doubts(reading.progress, reading.left, saved, now)
    reading = replace(reading, progress=progress, joined=True)
    if reading.resume_below is not None:
        progress = replace(progress, resume_position=reading.resume_below)
        return replace(reading, progress=progress, is_whole=False, has_jumped=True)
    if not progress.end_reached:
        return replace(reading, progress=replace(progress, resume_position=position))
    if progress.doubted and _is_due(progress, now):
        progress = replace(
            progress,
            resume_position=position,
            audit_began_at=to_millis_text(now),
            audit_total=reading.first_total,
            audit_is_sound=int(reading.is_sound),
        )
    elif _is_to_be_searched(reading, now) or (reading.looks_until is not None and saved.oldest > reading.looks_until):
        progress = replace(progress, resume_position=position)
    else:
        progress = _stop(progress, saved)
    return replace(reading, progress=progress)


def _stop(progress: ReadingProgress, saved: SavedPage) -> ReadingProgress:
    """The progress where a reading stops above what is known: what it did not confirm is doubted."""
    return replace(progress, resume_position=None, doubted=int(progress.doubted or saved.waiting.unconfirmed > 0))


def _is_to_be_searched(reading: Reading, now: datetime) -> bool:
    """Whether more is missing than a whole reading has left, or anything and it is time to look again."""
    is_unsettled = reading.left > max(reading.progress.settled_difference, reading.total_fell)
    return reading.left > 0 and (is_unsettled or _is_due(reading.progress, now))


def _note_doubts(progress: ReadingProgress, left: int, saved: SavedPage, now: datetime) -> ReadingProgress:
    """The progress, doubted where something contradicts what is known."""
    long_ago = now - LONGEST_LAG
    doubted = bool(progress.doubted)
    if saved.missed_since is not None and from_text(saved.missed_since) <= long_ago:
        doubted = True
    ahead_since = progress.ahead_since
    if left < 0:
        ahead_since = ahead_since or to_millis_text(now)
        doubted = doubted or (left != progress.settled_difference and from_text(ahead_since) <= long_ago)
    elif ahead_since is not None:
        # Zero that is reached from too many proves nothing.
        doubted, ahead_since = True, None
    if left > progress.settled_difference and progress.settled_difference < 0:
        doubted = True
    return replace(progress, doubted=int(doubted), ahead_since=ahead_since)


def _search_is_over(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> bool:
    """Whether what was missing is found, or the newest pages are looked through and it is not time to look deeper."""
    progress = reading.progress
    if progress.audit_began_at is not None or not progress.end_reached:
        return False
    if reading.looks_until is not None:
        is_far_enough = not reading.looks_deep and reading.pages >= HEAD_PAGES
        is_at_cut = progress.listed_newest is not None and page.position >= progress.listed_newest
        return saved.oldest <= reading.looks_until or is_far_enough or is_at_cut
    if reading.left <= 0:
        return True
    if _is_due(progress, now):
        return False
    # A count that falls while it is read is no better than by how much it falls.
    if reading.left <= reading.total_fell:
        return True
    looked_through = HEAD_PAGES if not progress.fruitless_rereads else _HEAD_PAGES_IN_VAIN
    return not reading.has_jumped and reading.pages >= looked_through


def _end(reading: Reading, page: PageRead, saved: SavedPage, now: datetime) -> Reading:
    """The reading at the end of the list, or of what the exchange gives of it."""
    progress, moment = reading.progress, to_millis_text(now)
    if progress.end_reached and not reading.joined:
        progress = _note_doubts(progress, reading.left, saved, now)
    elif reading.left < 0:
        # That was a whole reading in vain: it has shown fewer than the exchange counts.
        again = to_millis_text(now + _FIRST_WAIT_OF_AUDITS)
        progress = replace(progress, settled_difference=reading.left, fruitless_rereads=1, reread_after=again)
    is_audit = progress.audit_began_at is not None
    is_whole = reading.is_whole or is_audit
    is_sound = reading.is_sound and (progress.audit_is_sound or not is_audit)
    counted = progress.audit_total if is_audit else reading.first_total
    uncounted = 0 if page.is_cut or page.total is None else max(0, page.position - page.total)
    if uncounted:
        # The list goes on where the same answer's count ends, so numbers that agree prove nothing.
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
    """Whether a whole reading has shown as many trades as the exchange counted, and some that are known."""
    shown = progress.known_trades - progress.missed
    return (counted is None or shown >= counted) and (shown > 0 or not progress.known_trades)


def _is_due(progress: ReadingProgress, now: datetime) -> bool:
    """Whether it is time to look again. A time further ahead than any wait was set while the clock was ahead."""
    due = None if progress.reread_after is None else from_text(progress.reread_after)
    return due is None or not now < due <= now + _LONGEST_WAIT
