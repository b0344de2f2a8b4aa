"""A run of `sync markets`: the list first, page by page, then single markets."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from opinionscope.api.client import OpinionClient
from opinionscope.api.models import Market
from opinionscope.errors import AccessBlocked, NoSuchMarket, OutOfTime, Paused
from opinionscope.jobs.failures import BLOCKED_IN_A_ROW, ENDS_THE_RUN, contained, describe
from opinionscope.jobs.markets.list_saver import ListSaver
from opinionscope.jobs.markets.listing import ListReading
from opinionscope.jobs.markets.lookups import Lookup, LookupSaver, plan_lookups
from opinionscope.jobs.markets.rows import key_of
from opinionscope.jobs.markets.save import MarketSaver
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.workers import ANSWERS_STILL_COMING, DaemonPool, result_of
from opinionscope.store.database import Store
from opinionscope.store.market_lookups import Sought, find_departed, find_named, forget_lookups_of_final_markets
from opinionscope.store.markets import MarketKey

WORKERS = 8
LOOKUPS = 60

Fetched = TypeVar("Fetched")

logger = logging.getLogger(__name__)


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
    """Upsert the whole list of activated markets, page by page, then look up markets that are not on it.

    Those are at most `lookups` that were listed once, and as many that only positions name. The list moves while it is
    read. A market that comes twice is stored twice, which changes nothing; one that slips through is looked up like
    one that has left, and is found to be active still. `result` is filled in however it ends. No answer is
    awaited for much longer than `deadline` (monotonic seconds). Raises AccessRefused.
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
        sync.read_list(pool)
        sync.look_up_others(pool, lookups)
    return sync.result


class _MarketSync:
    """One run: what it has stored so far, and what went wrong.

    Whatever a page, a lookup or a market does is its own failure; only what the others would meet as well ends the run.
    """

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
        self._client = client
        self._store = store
        self._now = now
        self._progress = progress
        self._stopped = False
        self._blocked_in_a_row = 0
        self._reading = ListReading()
        self._saver = MarketSaver(store, now, result)

    def read_list(self, pool: DaemonPool) -> None:
        """Fetch and store the pages of the list, several at a time. A page that fails is counted."""
        reading, saver = self._reading, ListSaver(self._store, self._saver, self._now)
        while not reading.has_ended and not self._stopped:
            first = reading.pages + 1
            upcoming = range(first, max(first, min(reading.pages + WORKERS, reading.expected_pages)) + 1)
            fetches = [(number, pool.submit(self._client.fetch_markets, number)) for number in upcoming]
            for number, fetch in fetches:
                page = self._result_of(fetch)
                if page is None:
                    reading.miss(number)
                else:
                    keys, problems = saver.save(page.entries)
                    for problem in problems + reading.take_in(number, page, keys):
                        self.result.fail(problem)
                self._progress("pages", number, max(reading.expected_pages, number))
                if reading.has_ended:
                    return

    def look_up_others(self, pool: DaemonPool, limit: int) -> None:
        """Look up markets that have left the list, if all of it was read, and markets that only positions name."""
        if self._stopped or not self._reading.entries:
            return
        departed = find_departed(self._store, self._saver.stored, self._now) if self._reading.is_whole else []
        lookups = plan_lookups(departed, limit)
        planned = {each.key for lookup in lookups for each in lookup.sought}
        named = [each for each in find_named(self._store, self._now) if each.key not in planned]
        left = self._look_up(pool, lookups + plan_lookups(named, limit))
        self._look_up(pool, [Lookup(each.key, [each]) for each in left[:limit]])
        if lookups:
            forget_lookups_of_final_markets(self._store)

    def _look_up(self, pool: DaemonPool, lookups: Sequence[Lookup]) -> list[Sought]:
        """Fetch and store details; what topics were expected to tell of and did not."""
        saver, left = LookupSaver(self._store, self._saver, self._now), list[Sought]()
        fetches = [(lookup, pool.submit(self._fetch_detail, lookup.key)) for lookup in lookups]
        for number, (lookup, fetch) in enumerate(fetches, start=1):
            detail = self._result_of(fetch)
            if self._stopped:
                return []
            if isinstance(detail, Market) and key_of(detail) != lookup.key:
                self.result.fail(f"market {lookup.key.external_id}: the exchange returned a different market")
                detail = None
            if detail is None:
                saver.note(lookup.sought, failed=True)
            else:
                with contained(self.result.fail, f"market {lookup.key.external_id}"):
                    left += saver.save(lookup, detail)
            self._progress("lookups", number, len(lookups))
        return left

    def _fetch_detail(self, key: MarketKey) -> Market | NoSuchMarket:
        try:
            return self._client.fetch_market(key.external_id, categorical=key.is_topic)
        except NoSuchMarket as absence:
            return absence

    def _result_of(self, fetch: Future[Fetched]) -> Fetched | None:
        """What was fetched; None if it failed, which is counted."""
        try:
            fetched = result_of(fetch, self._end)
        except OutOfTime as error:
            self._stopped = True
            # A page beyond the count only makes sure, and lookups go on in the next run anyway.
            if not (self._reading.has_ended or self._reading.has_reached_its_count):
                self.result.fail(f"{error}; the next run continues")
        except ENDS_THE_RUN:
            raise
        except Exception as error:
            self._blocked_in_a_row += isinstance(error, AccessBlocked)
            if self._blocked_in_a_row >= BLOCKED_IN_A_ROW:
                raise
            self._stopped = self._stopped or isinstance(error, Paused)
            logger.debug("a request failed", exc_info=True)
            self.result.fail(describe(error))
        else:
            self._blocked_in_a_row = 0
            return fetched
        return None
