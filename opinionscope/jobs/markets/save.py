"""Store markets as they are read, and count them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from opinionscope.api.models import Market
from opinionscope.errors import ValueRefused
from opinionscope.jobs.failures import contained
from opinionscope.jobs.markets.rows import rows_of
from opinionscope.jobs.result import JobResult
from opinionscope.store.database import Store
from opinionscope.store.markets import MarketKey, MarketRow, save_markets


class MarketSaver:
    """The markets that one run has stored. `stored` has their keys, `changed` those that differed from before."""

    def __init__(self, store: Store, now: datetime, result: JobResult) -> None:
        self.stored: set[MarketKey] = set()
        self.changed: set[MarketKey] = set()
        self._store = store
        self._now = now
        self._result = result

    def save(self, markets: Sequence[Market]) -> list[list[MarketKey]]:
        """Upsert markets and their children; a child that cannot be read is counted as failed.

        Returns the keys of what is stored of each market.
        """
        by_market = [self._try_rows(market) for market in markets]
        try:
            self.save_rows([row for rows in by_market for row in rows])
        except ValueRefused:
            by_market = [self._try_save(rows) for rows in by_market]
        return [[row.key for row in rows] for rows in by_market]

    def save_rows(self, rows: Sequence[MarketRow]) -> None:
        """Upsert rows."""
        self.changed |= save_markets(self._store, rows, self._now)
        self.count(row.key for row in rows)

    def count(self, keys: Iterable[MarketKey]) -> None:
        """Count markets that are stored as the exchange has them."""
        self.stored.update(keys)
        self._result.item_count = self._result.done_count = len(self.stored)

    def _try_rows(self, market: Market) -> list[MarketRow]:
        with contained(self._result.fail, f"market {market.market_id}"):
            rows, problems = rows_of(market)
            for problem in problems:
                self._result.fail(f"{problem} (child of {market.market_id})")
            return rows
        return []

    def _try_save(self, rows: list[MarketRow]) -> list[MarketRow]:
        """Upsert the rows of a market, which the database may refuse; those that are stored."""
        if rows:
            with contained(self._result.fail, f"market {rows[0].external_id}"):
                self.save_rows(rows)
                return rows
        return []
