"""What follows from a wallet's trades for how often it trades."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.polling.trade_rate import RECENT_SECONDS, USUAL_SECONDS, TradeRate

DAY = 86_400
seconds = st.lists(st.integers(0, 30 * DAY), max_size=30)


@given(seconds, st.randoms(use_true_random=False))
def test_it_makes_no_difference_in_which_order_and_in_how_many_polls_trades_are_seen(
    trades: list[int], chance: object
) -> None:
    at_once = TradeRate().with_trades(Counter(trades))
    one_by_one = TradeRate()
    for second in trades:
        one_by_one = one_by_one.with_trades({second: 1})
    assert one_by_one == pytest.approx(at_once)


@given(seconds, st.integers(0, 30 * DAY))
def test_a_withdrawn_trade_leaves_no_trace_except_as_the_oldest(trades: list[int], withdrawn: int) -> None:
    now, trades = 40 * DAY, [0, *trades]
    with_it = TradeRate().with_trades(Counter([*trades, withdrawn])).with_trades({withdrawn: -1})
    without = TradeRate().with_trades(Counter(trades))
    assert with_it.trades_a_minute(now) == pytest.approx(without.trades_a_minute(now), rel=1e-6)


@pytest.mark.parametrize("every", [60, 600, 3_600, 6 * 3_600])
def test_a_wallet_that_trades_steadily_has_about_its_own_rate(every: int) -> None:
    steady = TradeRate().with_trades(Counter(range(0, 40 * DAY, every)))
    rate = steady.trades_a_minute(40 * DAY)
    assert 0.8 < rate * every / 60 < 1.1


def test_a_wallet_without_trades_has_a_low_rate_and_never_none() -> None:
    new = TradeRate().trades_a_minute(0)
    forgotten = TradeRate().with_trades({0: 1_000}).trades_a_minute(365 * DAY)
    assert 0 < new == pytest.approx(forgotten)
    assert new < TradeRate().with_trades({0: 1}).trades_a_minute(3 * DAY)


def test_a_burst_counts_as_what_it_is_and_is_over_soon() -> None:
    burst = TradeRate().with_trades(Counter(range(1_200, 1_800, 60)))
    rates = [burst.trades_a_minute(1_800 + wait) for wait in (0, RECENT_SECONDS, 4 * RECENT_SECONDS, USUAL_SECONDS)]
    assert rates[0] > 0.2
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[2] < rates[0] / 10


def test_a_clock_that_runs_behind_the_exchange_changes_nothing() -> None:
    rate = TradeRate().with_trades({1_000: 3})
    assert rate.trades_a_minute(0) == rate.trades_a_minute(1_000)
