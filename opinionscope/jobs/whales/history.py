"""The history of one wallet: what a poll reads, when it reads deeper, and when the history is complete.

A run reads the newest page, and goes on until it meets a trade that was known before: from there down nothing is new,
as far as the list has been read without a gap. That is all, as long as the exchange's total equals the number of known
trades. Otherwise the list is read deeper: down to its end when it is read for the first time, and again from the top
when the total says that something is missing, such as a fill that was indexed late and stands below newer ones.
Trades and the progress of the reading are stored together, page by page, so a run may be killed anywhere. A wallet
that lacks nothing, and whose newest page comes as it came before, needs no more than that.

The total is upstream's word and may stay wrong. So a reread that finds nothing settles the difference: the next one
waits, longer each time, until the difference changes; and after several in vain it gets only a few pages a run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from opinionscope.api.client import PAGE_SIZE
from opinionscope.jobs.whales.pages import FetchNewest, FetchPage, PageRead, PageReader
from opinionscope.jobs.whales.save import SavedPage, save_page
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import ReadingProgress, Wallet, save_progress
from opinionscope.times import to_millis_text

HEAD_PAGES = 10
FRUITLESS_REREADS = 3
PAGES_AFTER_FRUITLESS_REREADS = 25
_LONGEST_WAIT_MINUTES = 60


@dataclass(frozen=True)
class Reading:
    """How far one run has read a wallet's list.

    `joined`: it has met trades of an earlier run, or the end. `resume_below`: where an earlier run stopped, moved down
    by what came on top since. `first_total`: the exchange's count at the first page of this run.
    """

    progress: ReadingProgress
    joined: bool = False
    resume_below: int | None = None
    first_total: int | None = None


def begin(progress: ReadingProgress) -> Reading:
    """The state in which a run begins."""
    return Reading(progress, resume_below=progress.resume_position)


def advance(reading: Reading, page: PageRead, saved: SavedPage, *, met_known: bool, now: datetime) -> Reading:
    """The state after a page. `met_known`: it shows a trade of an earlier run."""
    new = saved.new.total()
    first_total = page.total if reading.first_total is None else reading.first_total
    resume_below = reading.resume_below
    progress = replace(
        reading.progress,
        known_trades=reading.progress.known_trades + new,
        api_total=reading.progress.api_total if page.total is None else page.total,
        newest_page=None if page.number > 1 or page.problems else page.digest,
    )
    rereading = reading.joined and progress.end_reached
    if rereading:
        progress = replace(progress, reread_found=progress.reread_found + new)
    if resume_below is not None and not reading.joined:
        resume_below += new
    if page.is_last or (rereading and progress.difference == 0):
        progress = finish(progress, now)
    elif met_known and not reading.joined:
        progress = replace(progress, resume_position=resume_below)
    else:
        grown = max(0, (page.total or 0) - (first_total or 0))
        # What came on top during this run will be added by the next one, which reads it again.
        progress = replace(progress, resume_position=max(0, page.position - grown))
    return Reading(progress, reading.joined or met_known or page.is_last, resume_below, first_total)


def finish(progress: ReadingProgress, now: datetime) -> ReadingProgress:
    """The progress when the end of the list is reached, or nothing is missing any more."""
    fruitless = progress.end_reached and not progress.reread_found
    missing = progress.difference
    progress = replace(
        progress, history_read_at=progress.history_read_at or to_millis_text(now), resume_position=None, reread_found=0
    )
    if missing == 0:
        return replace(progress, settled_difference=0, fruitless_rereads=0, reread_after=None)
    if not fruitless:
        return progress
    wait = timedelta(minutes=min(2**progress.fruitless_rereads, _LONGEST_WAIT_MINUTES))
    return replace(
        progress,
        settled_difference=missing,
        fruitless_rereads=progress.fruitless_rereads + 1,
        reread_after=to_millis_text(now + wait),
    )


def begin_reread_if_due(progress: ReadingProgress, now: datetime) -> ReadingProgress:
    """The progress with a reread begun, if something is missing and it is time to look again."""
    if progress.resume_position is not None or progress.difference == 0:
        return progress
    latest = to_millis_text(now + timedelta(minutes=_LONGEST_WAIT_MINUTES))
    # One that is due later than a wait can last was set when the clock was ahead.
    waits = progress.reread_after is not None and to_millis_text(now) < progress.reread_after <= latest
    if not waits or progress.difference != progress.settled_difference:
        return replace(progress, resume_position=0)
    return progress


@dataclass
class History:
    """One wallet in one run that began at `now`. Trades older than `horizon()` are counted and not stored."""

    store: Store
    wallet: Wallet
    fetch_newest: FetchNewest
    fetch_page: FetchPage
    now: datetime
    horizon: Callable[[], datetime]
    stored: int = 0
    problems: dict[str, None] = field(default_factory=dict)
    _stored_by_this_run: Counter[TradeKey] = field(default_factory=Counter)
    _pages: Iterator[PageRead] | None = None
    _deep_pages: int = 0

    def __post_init__(self) -> None:
        self._reading = begin(self.wallet.progress)

    @property
    def progress(self) -> ReadingProgress:
        """How far the history is known now."""
        return self._reading.progress

    def poll(self) -> None:
        """Read the newest trades, down to those that are known. `deepen` reads what is left after `HEAD_PAGES`."""
        progress = self.progress
        page = self.fetch_newest(progress.newest_page if progress.completeness.word == "complete" else None)
        if page is not None:
            self._pages = PageReader(self.fetch_page).pages_from(1, page)
            self._read_on(HEAD_PAGES)

    @property
    def unfinished(self) -> bool:
        """Whether the list is to be read deeper in this run."""
        in_vain = self.progress.fruitless_rereads >= FRUITLESS_REREADS
        had_its_share = in_vain and self._deep_pages >= PAGES_AFTER_FRUITLESS_REREADS
        return self.progress.resume_position is not None and not had_its_share

    def deepen(self, pages: int) -> None:
        """Read on below what has been read without a gap, at most `pages` pages."""
        self._read_on(pages)

    def _read_on(self, pages: int) -> None:
        for _ in range(pages):
            page = next(self._pages_below())
            was_joined = self._reading.joined
            self._save(page)
            self._deep_pages += was_joined
            if not was_joined and self._reading.joined:
                self._pages = None
                self._begin_reread_if_due()
                return
            if self.progress.resume_position is None:
                return

    def _pages_below(self) -> Iterator[PageRead]:
        """The pages where the reading stopped. After an earlier run's reading, its last page again, so they join."""
        if self._pages is None:
            position = self.progress.resume_position or 0
            first = max(0, position - 1) // PAGE_SIZE + 1
            self._pages = PageReader(self.fetch_page).pages_from(first)
        return self._pages

    def _save(self, page: PageRead) -> None:
        """Store the page and the progress that it means, together."""
        with self.store.transaction() as transaction:
            saved = save_page(transaction, self.wallet, page, self.now, self.horizon())
            met_known = any(saved.known[key] > self._stored_by_this_run[key] for key in saved.shown)
            reading = advance(self._reading, page, saved, met_known=met_known, now=self.now)
            save_progress(transaction, self.wallet.id, reading.progress)
        self._reading = reading
        self._stored_by_this_run.update(saved.new)
        self.stored += saved.stored
        self.problems.update(dict.fromkeys(page.problems))

    def _begin_reread_if_due(self) -> None:
        progress = begin_reread_if_due(self.progress, self.now)
        if progress != self.progress:
            with self.store.transaction() as transaction:
                save_progress(transaction, self.wallet.id, progress)
            self._reading = replace(self._reading, progress=progress)
