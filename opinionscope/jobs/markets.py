"""Job `sync markets`: store every activated market, and find out what became of those that are no longer listed."""

from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from opinionscope.api.answers import Page, read_items
from opinionscope.api.client import PAGE_SIZE, OpinionClient
from opinionscope.api.models import Market
from opinionscope.errors import ApiError, KeyRefused, NotFound, OutOfTime, Paused
from opinionscope.jobs.connection import connected
from opinionscope.jobs.market_rows import child_row, top_level_row
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.run import Run
from opinionscope.jobs.workers import ANSWERS_STILL_COMING, DaemonPool, result_of
from opinionscope.store.database import Store
from opinionscope.store.markets import MarketRow, find_departed, find_market, mark_looked_up, save_markets

WORKERS = 8
LOOKUPS = 60
_PAGES_WITHOUT_NEWS = 3

Fetched = TypeVar("Fetched")


def work(run: Run) -> JobResult:
    """A run of the job."""
    with connected(run, WORKERS) as (client, deadline):
        return sync_markets(client, run.store, now=run.now, deadline=deadline, progress=run.progress, result=run.result)


def sync_markets(
    client: OpinionClient,
    store: Store,
    *,
    now: datetime,
    deadline: float,
    lookups: int = LOOKUPS,
    progress: ReportProgress = no_progress,
    result: JobResult | None = None,
) -> JobResult:
    """Upsert the whole list of activated markets, page by page, then look up at most `lookups` that have left it.

    The list moves while it is read. A market that comes twice is stored twice, which changes nothing; one that slips
    through is looked up like one that has left, and is found to be active still. `result` is filled in however it
    ends. No answer is waited for much longer than `deadline` (monotonic seconds). Raises KeyRefused.
    """
    sync = _MarketSync(
        client,
        store,
        now=now,
        end=deadline + ANSWERS_STILL_COMING,
        progress=progress,
        result=result or JobResult(),
    )
    with DaemonPool(WORKERS, "markets") as pool:
        sync.store_list(pool)
        if not sync.result.errors:
            sync.look_up_departed(pool, lookups)
    return sync.result


class _MarketSync:
    """One run: what it has stored so far, and what went wrong."""

    def __init__(
        self,
        client: OpinionClient,
        store: Store,
        *,
        now: datetime,
        end: float,
        progress: ReportProgress,
        result: JobResult,
    ) -> None:
        self.result = result
        self._end = end
        self._stored: set[str] = set()
        self._empty_page: int | None = None
        self._client = client
        self._store = store
        self._now = now
        self._progress = progress
        self._stopped = False

    def store_list(self, pool: DaemonPool) -> None:
        """Fetch and store the pages of the list, several at a time.

        It ends with a page that is not full where the total is reached, or with pages that bring nothing new: the
        total is only upstream's word. A page that fails is counted, the others are stored.
        """
        number, expected, barren = 0, 1, 0
        while barren < _PAGES_WITHOUT_NEWS and not self._stopped:
            upcoming = range(number + 1, max(number + 1, min(number + WORKERS, expected)) + 1)
            fetches = [(page_number, pool.submit(self._client.fetch_markets, page_number)) for page_number in upcoming]
            for number, fetch in fetches:
                page = self._result_of(fetch)
                barren += 1
                if page is not None:
                    expected = -(-(page.total or 0) // PAGE_SIZE)
                    barren = 0 if self._save_page(number, page) else barren
                self._progress("pages", number, max(expected, number))
                if page is not None and page.length < PAGE_SIZE and number >= expected:
                    return

    def look_up_departed(self, pool: DaemonPool, limit: int) -> None:
        """Store the present state of markets that were listed once and are not now, longest not looked up first."""
        departed = find_departed(self._store, self._stored, limit, self._now)
        fetches = [(market, pool.submit(self._fetch_detail, market)) for market in departed]
        for market, fetch in fetches:
            detail = self._result_of(fetch)
            if self._stopped:
                return
            if detail is not None and detail.market_id == market.external_id:
                self._save([detail], find_market(self._store, market.parent_external_id))
            elif detail is not None:
                self.result.fail(f"market {market.external_id}: the exchange answers with another market")
            # Also where it failed: one that can never be read must not keep its place before all others.
            mark_looked_up(self._store, market.external_id, self._now)

    def _fetch_detail(self, market: MarketRow) -> Market | None:
        """The present state of a market; None where the exchange says that it knows it no more.

        No state is made up for those: they keep their last one and their turn to be looked up.
        """
        try:
            return self._client.fetch_market(market.external_id, categorical=market.is_categorical)
        except NotFound:
            return None

    def _result_of(self, fetch: Future[Fetched]) -> Fetched | None:
        """What was fetched; None where it failed, which is counted."""
        try:
            return result_of(fetch, self._end)
        except KeyRefused:
            raise
        except OutOfTime as error:
            self._stopped = True
            self.result.fail(f"{error}: the rest is left to the next run")
        except ApiError as error:
            self._stopped = self._stopped or isinstance(error, Paused)
            self.result.fail(str(error))
        return None

    def _save_page(self, number: int, page: Page[Market]) -> bool:
        """Store a page of the list and note what cannot be right about it; whether it brought anything new."""
        for problem in page.problems:
            self.result.fail(problem)
        before = len(self._stored)
        self._save(page.items)
        news = len(self._stored) > before
        if not page.length:
            self._empty_page = number
        elif news and self._empty_page is not None:
            self.result.fail(f"page {self._empty_page} of the list came empty, the one below it did not")
            self._empty_page = None
        elif page.length == PAGE_SIZE and page.items and not news:
            self.result.fail(f"page {number} of the list shows once more what earlier pages have shown")
        return news

    def _save(self, markets: list[Market], parent: MarketRow | None = None) -> None:
        """Upsert markets and their children; with `parent`, markets that are children of that one."""
        rows = [row for market in markets for row in self._rows_of(market, parent)]
        save_markets(self._store, rows, self._now)
        self._stored.update(row.external_id for row in rows)
        self.result.item_count = self.result.done_count = len(self._stored)

    def _rows_of(self, market: Market, parent: MarketRow | None) -> list[MarketRow]:
        if parent is not None:
            return [child_row(market, parent)]
        row = top_level_row(market)
        children, problems = read_items(market.children or [], Market)
        for problem in problems:
            self.result.fail(f"{problem} (child of {market.market_id})")
        return [row, *(child_row(child, row) for child in children)]
