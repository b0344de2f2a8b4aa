"""The history of one wallet: what a run reads of its list, stored page by page with the progress of the reading.

Trades and progress are stored together, so a run may be killed anywhere. A wallet that lacks nothing, of which nothing
is doubted, and whose newest page comes as it came before, needs no more than that page.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from opinionscope.api.client import PAGE_SIZE
from opinionscope.errors import ApiError, ApiUnavailable, BadAnswer, RequestRefused, StoreError
from opinionscope.jobs.whales.corrections import withdraw
from opinionscope.jobs.whales.end_of_list import finish
from opinionscope.jobs.whales.listed_page import PageRead, cut_short
from opinionscope.jobs.whales.pages import FetchNewest, PageReader
from opinionscope.jobs.whales.reading import advance, begin
from opinionscope.jobs.whales.reading_state import HEAD_PAGES, Reading
from opinionscope.jobs.whales.save import SavedPage, save_page
from opinionscope.jobs.whales.unsaved import Unsaved
from opinionscope.jobs.whales.whole_second import FetchPage
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Store, Transaction, savepoint
from opinionscope.store.failures import primary_code
from opinionscope.store.known_trades import forget_missed
from opinionscope.store.whale_activity import NewTrade
from opinionscope.store.whale_hours import KEPT
from opinionscope.store.whale_progress import ReadingProgress, Wallet, save_progress
from opinionscope.times import from_text

WatchTrades = Callable[[Transaction, str, Sequence[NewTrade]], Mapping[str, Exception]]
"""Told, inside the transaction that stores them, which new trades of an address are news.

Answers which rules could not be applied, by name, and why.
"""

FRUITLESS_REREADS = 3
PAGES_AFTER_FRUITLESS_REREADS = 25
_FAILURES_AT_A_CUT = 3
_SAME_PLACE = 100
_CUTS = 5
_LONGEST_UNSAVED = 1.0
"""Seconds that a page waits for others to be stored with it, so that a run that is killed has little to read again."""
_MOST_UNSAVED = HEAD_PAGES * PAGE_SIZE
"""Trades after which no further page is waited for: an exchange may list far more on each than it was asked for."""

logger = logging.getLogger(__name__)


@dataclass
class History:
    """One wallet in one run that began at `now`. Trades older than `horizon()` are counted and not stored."""

    store: Store
    wallet: Wallet
    fetch_newest: FetchNewest
    fetch_page: FetchPage
    now: datetime
    horizon: Callable[[], datetime]
    watch: WatchTrades | None = None
    stored: int = 0
    problems: dict[str, None] = field(default_factory=dict)
    _stored_by_this_run: Counter[TradeKey] = field(default_factory=Counter)
    _reader: PageReader | None = None
    _pages: Iterator[PageRead] | None = None

    def __post_init__(self) -> None:
        self._reading = begin(self.wallet.progress, self.now)

    @property
    def progress(self) -> ReadingProgress:
        """How far the history is known now."""
        return self._reading.progress

    def poll(self) -> None:
        """Read the newest trades, down to those that are known. `deepen` reads what is left after `HEAD_PAGES`."""
        is_well = self.progress.completeness.word == "complete" and self._reading.look is None
        page = self.fetch_newest(self.progress.newest_page if is_well else None)
        if page is not None:
            self._reader = PageReader(self.fetch_page, adds_up=bool(self.progress.unordered))
            self._pages = self._reader.pages_from(1, page)
            self._read_on(HEAD_PAGES)

    @property
    def unfinished(self) -> bool:
        """Whether the list is to be read deeper in this run."""
        in_vain = self.progress.fruitless_rereads >= FRUITLESS_REREADS
        had_its_share = in_vain and self._reading.deep_pages >= PAGES_AFTER_FRUITLESS_REREADS
        return self.progress.resume_position is not None and not had_its_share

    def deepen(self, pages: int) -> None:
        """Read on below what has been read without a gap, at most `pages` pages."""
        self._read_on(pages)

    def let_go(self) -> None:
        """Keep no page of the list: a run may have thousands of wallets, and this one's turns are over."""
        self._reader = self._pages = None
        self._stored_by_this_run.clear()

    def _read_on(self, pages: int) -> None:
        """Read up to `pages` more pages, storing together those at which the reading cannot end."""
        together = list[PageRead]()
        due = time.monotonic() + _LONGEST_UNSAVED
        for left in reversed(range(pages)):
            try:
                page = next(self._pages_below())
            except Exception as failure:  # noqa: BLE001 - raised again, unless it means the end
                self._save_all(together)
                together, page = [], self._end_instead_of(failure)
            together.append(page)
            if left and self._may_wait(together) and time.monotonic() < due:
                continue
            had_jumped, had_joined = self._reading.has_jumped, self._reading.joined
            self._save_all(together)
            together, due = [], time.monotonic() + _LONGEST_UNSAVED
            if self._reading.has_jumped and not had_jumped and self._resume_page() > page.number + 1:
                self._pages = None
                return
            if self._reading.joined and not had_joined and self._cuts_anew():
                return
            if self.progress.resume_position is None:
                return

    def _may_wait(self, pages: Sequence[PageRead]) -> bool:
        """Whether the pages can be stored with the next one: the reading goes on below them, and they are small."""
        count = sum(len(copies) for page in pages for copies in page.trades.values())
        return self._reading.is_bound_for_the_end and not pages[-1].is_last and count < _MOST_UNSAVED

    def _cuts_anew(self) -> bool:
        """Begin the reading again with pages of another size, where one of this size was in vain.

        What stands on both sides of a cut then, as the order within a second may have it, is cut no more.
        """
        progress = self.progress
        is_due = progress.reread_after is None or from_text(progress.reread_after) <= self.now
        if progress.resume_position is None or not (progress.fruitless_rereads and progress.end_reached and is_due):
            return False
        self._pages = None
        self._reading = self._reading._replace(progress=progress._replace(resume_position=0))
        return True

    def _end_instead_of(self, failure: Exception) -> PageRead:
        """What stands for a page that failed, where the exchange lists no more than what is above it."""
        if not isinstance(failure, RequestRefused | ApiUnavailable | BadAnswer):
            raise failure
        self._pages = None
        if not self._reading.pages or not self._is_the_end(failure):
            raise failure
        return cut_short(self.progress.resume_position or 0, self.progress.api_total)

    def _is_the_end(self, failure: ApiError) -> bool:
        """Whether the failure of a deep page means that there are no more: it is refused, or fails again and again."""
        below = self.progress.resume_position or 0
        last = self.progress.failed_below
        is_same = last is not None and abs(below - last) <= _SAME_PLACE
        failures = 1 + (self.progress.deep_failures if is_same else 0)
        progress = self.progress._replace(deep_failures=failures, failed_below=below)
        with self.store.transaction() as transaction:
            save_progress(transaction, self.wallet.id, progress, self.now)
        self._reading = self._reading._replace(progress=progress)
        if isinstance(failure, RequestRefused):
            return True
        # Above what is known the pages have been there: that they fail is trouble, and leaves a gap.
        is_below_what_is_known = self._reading.joined or not progress.end_reached
        return is_below_what_is_known and failures >= _FAILURES_AT_A_CUT

    def _pages_below(self) -> Iterator[PageRead]:
        """The pages where the reading stopped. After an earlier run's its last two pages again, so they join."""
        if self._pages is None:
            size = self._reader.size if self._reader else PAGE_SIZE
            if self.progress.end_reached:
                size -= self.progress.fruitless_rereads % min(_CUTS, size)
            self._reader = PageReader(self.fetch_page, size, adds_up=bool(self.progress.unordered))
            self._pages = self._reader.pages_from(max(1, self._resume_page() - 1))
        return self._pages

    def _resume_page(self) -> int:
        """The page that holds the last entry before which the list has been read without a gap."""
        size = self._reader.size if self._reader else PAGE_SIZE
        return max(0, (self.progress.resume_position or 0) - 1) // size + 1

    def _save_all(self, pages: Sequence[PageRead]) -> None:
        """Store pages that were read one after the other. If one of them cannot be stored, those above it are."""
        if not pages:
            return
        try:
            self._save(pages)
        except StoreError:
            raise
        except Exception:
            if len(pages) == 1:
                raise
            for page in pages:
                self._save([page])

    def _save(self, pages: Sequence[PageRead]) -> None:
        """Store the pages and the progress that they mean, together."""
        reading, rows, new = self._reading, list[NewTrade](), Counter[TradeKey]()
        with self.store.transaction() as transaction:
            unsaved = Unsaved(transaction, self.wallet, self.now)
            for listed in pages:
                page = replace(listed, closed=None) if reading.progress.unordered else listed
                saved = self._save_page(reading, page, unsaved)
                met_known = not reading.joined and any(
                    known > self._stored_by_this_run[key] + new[key] for key, known in saved.known.items()
                )
                reading = advance(reading, page, saved, met_known=met_known, now=self.now)
                rows += saved.rows
                new.update(saved.new)
            unsaved.save(hours_from=min(self.now - KEPT, self.horizon()))
            if reading.has_ended:
                reading = reading._replace(progress=finish(reading, self._withdraw(transaction, reading), self.now))
            save_progress(transaction, self.wallet.id, reading.progress, self.now)
            # A history that is read for the first time is no news.
            if self.watch is not None and rows and self.progress.end_reached:
                self._look_at(transaction, self.watch, rows)
        self._reading = reading
        self._stored_by_this_run.update(new)
        self.stored += len(rows)
        self.problems.update(dict.fromkeys(problem for page in pages for problem in page.problems))

    def _save_page(self, reading: Reading, page: PageRead, unsaved: Unsaved) -> SavedPage:
        wallet = self.wallet._replace(progress=reading.progress)
        most_new = reading.most_new(page.total)
        saved = save_page(wallet, page, unsaved, horizon=self.horizon(), most_new=most_new)
        if saved.missed and not page.in_order:
            # A list out of order does not tell which trades it misses.
            forget_missed(unsaved.transaction, self.wallet.address)
            return replace(saved, missed=0, missed_since=None)
        return saved

    def _look_at(self, transaction: Transaction, watch: WatchTrades, trades: Sequence[NewTrade]) -> None:
        """Have the trades looked at. A fault there must not keep them from being stored."""
        try:
            with savepoint(transaction):
                faults = watch(transaction, self.wallet.address, trades)
        except Exception as error:
            if primary_code(error):
                raise
            logger.debug("the rules failed for %s", self.wallet.address, exc_info=True)
            self._note_fault("the rules", error)
        else:
            for rule, fault in faults.items():
                self._note_fault(f"rule {rule}", fault)

    def _note_fault(self, what: str, error: Exception) -> None:
        self.problems[f"{what} could not be applied: unexpected {type(error).__name__}: {error}"] = None

    def _withdraw(self, transaction: Transaction, reading: Reading) -> int:
        if reading.missed_until is None:
            return 0
        return withdraw(transaction, self.wallet.id, self.wallet.address, reading.missed_until, self.now)
