"""Exchanges with a past: what wallets look like that have traded for months."""

import time
from collections.abc import Callable

from opinionscope.simulator.characters import Bettor, Punter, RoundTripper, Sharp, Washer
from opinionscope.simulator.state import Exchange
from opinionscope.simulator.trader import Trader

CAST: tuple[type[Trader], ...] = (Sharp, Punter, Bettor, Washer, RoundTripper, Trader)


def several_months(
    seed: int = 7,
    *,
    markets: int = 200,
    past_markets: int = 60,
    history: int = 200,
    trades_per_minute: float = 6.0,
    market_churn_per_minute: float = 1.0,
    clock: Callable[[], float] = time.time,
) -> Exchange:
    """An exchange whose wallets have four months behind them, one of each character in `CAST`, in that order.

    They have bet on `past_markets` that were decided since, failed or were deleted, weekly topics among them. The
    bettors hold losers that nobody will ever sell, have sold one side of splits, and have received and given away
    shares without a trade; two wallets farm points.
    """
    return Exchange(
        seed,
        markets=markets,
        past_markets=past_markets,
        wallets=len(CAST),
        traders=CAST,
        history=history,
        trades_per_minute=trades_per_minute,
        market_churn_per_minute=market_churn_per_minute,
        clock=clock,
    )
