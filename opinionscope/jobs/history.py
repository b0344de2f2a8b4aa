"""The history of one wallet: what a poll reads, when it is read deeper, and when it is known to be complete.

A poll reads the newest page, and on until it meets a trade that was known before: from there down nothing is new.
That is all, as long as the exchange's total equals the number of known trades. Otherwise the list is read deeper:
down to its end when it is read for the first time, and again from the top when the total says that something is
missing, such as a fill that was indexed late and stands below newer ones. Trades and the note of how far the list has
been read are stored together, page by page, so a run may be killed anywhere.

The total is upstream's word and may be wrong for good. So a reread that finds nothing settles the difference: the
next one waits, longer each time, until the difference changes; and after several in vain it gets a few pages a run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opinionscope.api.client import PAGE_SIZE
from opinionscope.jobs.reading import FetchPage, PageRead, Reading
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
    fetch_page: FetchPage
    now: datetime
    horizon: Callable[[], datetime]
    stored: int = 0
    problems: dict[str, None] = field(default_factory=dict)
    _own: Counter[TradeKey] = field(default_factory=Counter)
    _pages: Iterator[PageRead] | None = None
    _deep_pages: int = 0

    def poll(self) -> None:
        """Read the newest trades, down to those that are known. What more there is to read is left to `deepen`."""
        progress = self.wallet.progress
        resume, pushed = progress.resume_position, 0
        self._pages = Reading(self.fetch_page).pages_from(1)
        for read in self._pages:
            with self.store.transaction() as transaction:
                saved = self._save(transaction, read)
                pushed += saved.new.total()
                met_known = self._meets_known(saved)
                if read.is_last:
                    self._finish()
                elif met_known:
                    progress.resume_position = None if resume is None else resume + pushed
                else:
                    progress.resume_position = read.position
                save_progress(transaction, self.wallet)
            if read.is_last or met_known:
                self._pages = None
                break
            if read.number >= HEAD_PAGES:
                break
        self._begin_reread_if_due()

    @property
    def unfinished(self) -> bool:
        """Whether the list is to be read deeper in this run."""
        progress = self.wallet.progress
        had_its_share = progress.fruitless_rereads >= IN_VAIN and self._deep_pages >= PAGES_IN_VAIN
        return progress.resume_position is not None and not had_its_share

    def deepen(self, pages: int) -> None:
        """Read on below what has been read without a gap, `pages` pages at the most."""
        progress = self.wallet.progress
        for _ in range(pages):
            read = next(self._pages_below())
            with self.store.transaction() as transaction:
                saved = self._save(transaction, read)
                progress.resume_position = read.position
                if progress.history_read_at is not None:
                    progress.reread_found += saved.new.total()
                if read.is_last or (progress.history_read_at is not None and progress.missing == 0):
                    self._finish()
                save_progress(transaction, self.wallet)
            self._deep_pages += 1
            if progress.resume_position is None:
                return

    def _pages_below(self) -> Iterator[PageRead]:
        """Where the reading stopped; after an earlier run's reading, one page of it again, so that they join."""
        if self._pages is None:
            position = self.wallet.progress.resume_position or 0
            first = max(0, position - 1) // PAGE_SIZE + 1
            self._pages = Reading(self.fetch_page).pages_from(first)
        return self._pages

    def _save(self, transaction: Transaction, read: PageRead) -> SavedPage:
        saved = save_page(transaction, self.wallet, read, self.now, self.horizon())
        if read.total is not None:
            self.wallet.progress.api_total = read.total
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
