"""Store markets as they are read, and count them."""

from collections.abc import Sequence
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

    def save(self, markets: Sequence[Market]) -> None:
        """Upsert markets and their children; a child that cannot be read is counted as failed."""
        by_market = [rows for market in markets if (rows := self._try_rows(market))]
        try:
            self.save_rows([row for rows in by_market for row in rows])
        except ValueRefused:
            for rows in by_market:
                with contained(self._result.fail, f"market {rows[0].external_id}"):
                    self.save_rows(rows)

    def save_rows(self, rows: Sequence[MarketRow]) -> None:
        """Upsert rows."""
        self.changed |= save_markets(self._store, rows, self._now)
        self.stored.update(row.key for row in rows)
        self._result.item_count = self._result.done_count = len(self.stored)

    def _try_rows(self, market: Market) -> list[MarketRow]:
        with contained(self._result.fail, f"market {market.market_id}"):
            rows, problems = rows_of(market)
            for problem in problems:
                self._result.fail(f"{problem} (child of {market.market_id})")
            return rows
        return []
