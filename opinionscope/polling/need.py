"""How much a wallet needs a poll: by its rate of trading, and by how much its trades matter."""

from opinionscope.polling.trade_rate import TradeRate

NAMED_BY_A_RULE = 4.0
_HALF_WAY = 10_000.0


def need_of(rate: TradeRate, now: float, exposure: float | None, *, named_by_rule: bool) -> float:
    """The trades a minute that are to be expected at `now` (unix seconds), times the weight of the wallet."""
    return rate.trades_a_minute(now) * weight(exposure, named_by_rule=named_by_rule)


def weight(exposure: float | None, *, named_by_rule: bool) -> float:
    """How much a delay of this wallet's trades matters, compared with a wallet that holds nothing.

    An open exposure of 10,000 USDT makes it 1.5, a very large one 2. A rule that names the wallet makes it four times
    as much, so that it is polled twice as often.
    """
    held = max(0.0, exposure or 0.0)
    return (1.0 + held / (held + _HALF_WAY)) * (NAMED_BY_A_RULE if named_by_rule else 1.0)
