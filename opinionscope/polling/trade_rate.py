"""How often a wallet trades: three exponentially decayed counts of its trades, and the rate that follows from them.

The longest count tells what is usual for the wallet. With a prior, a wallet that is new or silent has a low rate and
never none. The shorter ones tell what is going on now: a burst shows as soon as a poll has seen a few of its trades,
and a wallet that has only just begun to trade need not wait for a week until its rate is known.
"""

from collections.abc import Mapping
from math import exp
from typing import NamedTuple

USUAL_SECONDS = 7 * 86_400.0
DAYTIME_SECONDS = 6 * 3_600.0
RECENT_SECONDS = 1_800.0
PRIOR_TRADES = 0.25
PRIOR_SECONDS = 86_400.0
_NO_NEWS = 1.0
"""A single trade does not make a burst."""


class TradeRate(NamedTuple):
    """The counts at the unix second `counted_until`, that of the newest trade; `counted_from` is that of the oldest.

    Both are None before the first trade. A trade counts 1 when it happens, and 1/e after `USUAL_SECONDS`,
    `DAYTIME_SECONDS` or `RECENT_SECONDS`.
    """

    usual_trades: float = 0.0
    daytime_trades: float = 0.0
    recent_trades: float = 0.0
    counted_from: int | None = None
    counted_until: int | None = None

    def with_trades(self, changes: Mapping[int, int]) -> "TradeRate":
        """The counts with trades added, or taken away: how many by the unix second in which they happened.

        Only the times of the trades matter, so it makes no difference when, or in which order, they are seen.
        """
        if not changes:
            return self
        seconds = [*changes, *(second for second in (self.counted_from, self.counted_until) if second is not None)]
        since, until = min(seconds), max(seconds)
        usual, daytime, recent = self._counts_at(until)
        for second, change in changes.items():
            age = until - second
            usual += change * exp(-age / USUAL_SECONDS)
            daytime += change * exp(-age / DAYTIME_SECONDS)
            recent += change * exp(-age / RECENT_SECONDS)
        return TradeRate(max(0.0, usual), max(0.0, daytime), max(0.0, recent), since, until)

    def trades_a_minute(self, now: float) -> float:
        """The expected trades a minute at `now`, in unix seconds."""
        usual, daytime, recent = self._counts_at(now)
        return 60.0 * max(
            (usual + PRIOR_TRADES) / (self._usual_seconds(now) + PRIOR_SECONDS),
            (daytime - _NO_NEWS) / DAYTIME_SECONDS,
            (recent - _NO_NEWS) / RECENT_SECONDS,
        )

    def _usual_seconds(self, now: float) -> float:
        """How many seconds the long count covers: fewer for a wallet that has traded for less than some weeks."""
        if self.counted_from is None:
            return USUAL_SECONDS
        return USUAL_SECONDS * (1.0 - exp(-max(0.0, now - self.counted_from) / USUAL_SECONDS))

    def _counts_at(self, moment: float) -> tuple[float, float, float]:
        if self.counted_until is None:
            return 0.0, 0.0, 0.0
        age = max(0.0, moment - self.counted_until)
        return (
            self.usual_trades * exp(-age / USUAL_SECONDS),
            self.daytime_trades * exp(-age / DAYTIME_SECONDS),
            self.recent_trades * exp(-age / RECENT_SECONDS),
        )
