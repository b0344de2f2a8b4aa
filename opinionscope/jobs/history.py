"""The history of one wallet: what a poll reads, when it is read deeper, and when it is known to be complete.

A run reads the newest page, and on until it meets a trade that was known before: from there down nothing is new, as
far as the list has been read without a gap. That is all, as long as the exchange's total equals the number of known
trades. Otherwise the list is read deeper: down to its end when it is read for the first time, and again from the top
when the total says that something is missing, such as a fill that was indexed late and stands below newer ones.
Trades and the note of how far the list has been read are stored together, page by page, so a run may be killed
anywhere. A wallet that lacks nothing and whose newest page comes as it came before has had its poll with that.

The total is upstream's word and may be wrong for good. So a reread that finds nothing settles the difference: the
next one waits, longer each time, until the difference changes; and after several in vain it gets a few pages a run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opinionscope.api.client import PAGE_SIZE
from opinionscope.jobs.reading import FetchNewest, FetchPage, PageRead, Reading
from opinionscope.jobs.saving import SavedPage, save_page
from opinionscope.store.activity import TradeKey
from opinionscope.store.database import Store, Transaction
from opinionscope.store.whales import Wallet, save_progress
from opinionscope.times import to_millis_text

HEAD_PAGES = 10
IN_VAIN = 3
PAGES_IN_VAIN = 25
_LONGEST_WAIT_MINUTES = 60


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
    _own: Counter[TradeKey] = field(default_factory=Counter)
    _pages: Iterator[PageRead] | None = None
    _joined: bool = False
    _resume_below: int | None = None
    _first_total: int | None = None
    _deep_pages: int = 0

    def poll(self) -> None:
        """Read the newest trades, down to those that are known. What is left after `HEAD_PAGES` is for `deepen`."""
        progress = self.wallet.progress
        page = self.fetch_newest(progress.newest_page if progress.is_complete else None)
        if page is None:
            return
        self._resume_below = progress.resume_position
        self._pages = Reading(self.fetch_page).pages_from(1, page)
        self._read_on(HEAD_PAGES)

    @property
    def unfinished(self) -> bool:
        """Whether the list is to be read deeper in this run."""
        progress = self.wallet.progress
        had_its_share = progress.fruitless_rereads >= IN_VAIN and self._deep_pages >= PAGES_IN_VAIN
        return progress.resume_position is not None and not had_its_share

    def deepen(self, pages: int) -> None:
        """Read on below what has been read without a gap, `pages` pages at the most."""
        self._read_on(pages)

    def _read_on(self, pages: int) -> None:
        for _ in range(pages):
            read = next(self._pages_below())
            joining = not self._joined
            with self.store.transaction() as transaction:
                self._advance(read, self._save(transaction, read))
                save_progress(transaction, self.wallet)
            self._deep_pages += not joining
            if joining and self._joined:
                self._pages = None
                self._begin_reread_if_due()
                return
            if self.wallet.progress.resume_position is None:
                return

    def _advance(self, read: PageRead, saved: SavedPage) -> None:
        """Note how far the list has been read with this page."""
        progress = self.wallet.progress
        met_known = self._meets_known(saved)
        if self._joined and progress.history_read_at is not None:
            progress.reread_found += saved.new.total()
        if self._resume_below is not None and not self._joined:
            self._resume_below += saved.new.total()
        if read.is_last or (self._joined and progress.history_read_at is not None and progress.missing == 0):
            self._finish()
        elif met_known and not self._joined:
            progress.resume_position = self._resume_below
        else:
            progress.resume_position = self._without_gap(read)
        self._joined = self._joined or met_known or read.is_last

    def _without_gap(self, read: PageRead) -> int:
        """How many of the newest entries are read, less what came on top in this run: the next one adds that."""
        return max(0, read.position - max(0, (read.total or 0) - (self._first_total or 0)))

    def _pages_below(self) -> Iterator[PageRead]:
        """Where the reading stopped; after an earlier run's reading, the end of it again, so that they join."""
        if self._pages is None:
            position = self.wallet.progress.resume_position or 0
            first = max(0, position - 1) // PAGE_SIZE + 1
            self._pages = Reading(self.fetch_page).pages_from(first)
        return self._pages

    def _save(self, transaction: Transaction, read: PageRead) -> SavedPage:
        saved = save_page(transaction, self.wallet, read, self.now, self.horizon())
        if self._first_total is None:
            self._first_total = read.total
        progress = self.wallet.progress
        if read.total is not None:
            progress.api_total = read.total
        progress.newest_page = None if read.number > 1 or read.problems else read.digest
        self.stored += saved.stored
        self.problems.update(dict.fromkeys(read.problems))
        return saved

    def _meets_known(self, saved: SavedPage) -> bool:
        """Whether the page shows a trade of an earlier run, and not only what this one has stored."""
        met = any(saved.known[key] > self._own[key] for key in saved.shown)
        self._own.update(saved.new)
        return met

    def _finish(self) -> None:
        """The end of the list is reached, or nothing is missing any more."""
        progress = self.wallet.progress
        rereading = progress.history_read_at is not None
        progress.history_read_at = progress.history_read_at or to_millis_text(self.now)
        progress.resume_position = None
        if progress.missing == 0:
            progress.settled_difference, progress.fruitless_rereads, progress.reread_after = 0, 0, None
        elif rereading and not progress.reread_found:
            wait = timedelta(minutes=min(2**progress.fruitless_rereads, _LONGEST_WAIT_MINUTES))
            progress.settled_difference = progress.missing
            progress.fruitless_rereads += 1
            progress.reread_after = to_millis_text(self.now + wait)
        progress.reread_found = 0

    def _begin_reread_if_due(self) -> None:
        progress = self.wallet.progress
        if progress.resume_position is not None or progress.missing == 0:
            return
        waited = progress.reread_after is None or progress.reread_after <= to_millis_text(self.now)
        if waited or progress.missing != progress.settled_difference:
            progress.resume_position = 0
            with self.store.transaction() as transaction:
                save_progress(transaction, self.wallet)
