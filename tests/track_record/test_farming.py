"""Farming: what is flagged and what is not, from a wallet's trades in any order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.track_record.farming import Trade, measure_farming, offset_of, round_trips_of


def trade(second: int, action: str, side: int, shares: float, price: float, market: str = "7") -> Trade:
    return Trade(market, second, action, side, shares, shares * price, price)


def test_buying_both_outcomes_for_as_much_cancels_out() -> None:
    assert offset_of([trade(0, "BUY", 1, 100, 0.5), trade(9, "BUY", 2, 100, 0.5)]) == 1
    assert offset_of([trade(0, "BUY", 1, 300, 0.5), trade(9, "BUY", 2, 100, 0.5)]) == 0.5
    assert offset_of([trade(0, "BUY", 1, 300, 0.5), trade(9, "SELL", 2, 100, 0.5)]) == 0


@pytest.mark.parametrize(
    ("second", "side", "shares", "price", "share"),
    [
        (600, 1, 100, 0.52, 1.0),
        (601, 1, 100, 0.50, 0.0),
        (60, 1, 100, 0.521, 0.0),
        (60, 1, 25, 0.48, 0.25),
        (60, 2, 100, 0.50, 0.0),
        (-1, 1, 100, 0.50, 0.0),
    ],
)
def test_a_round_trip_ends_within_ten_minutes_at_nearly_the_same_price(
    second: int, side: int, shares: float, price: float, share: float
) -> None:
    trades = [trade(0, "BUY", 1, 100, 0.5), trade(second, "SELL", side, shares, price)]
    assert round_trips_of(trades) == pytest.approx(share)


def test_a_share_that_is_sold_answers_one_share_bought() -> None:
    trades = [trade(n, "BUY", 1, 100, 0.5) for n in range(4)] + [trade(30, "SELL", 1, 100, 0.5)]
    assert round_trips_of(trades) == 0.25
    bought = [trade(0, "BUY", 1, 100, 0.5), trade(0, "BUY", 1, 100, 0.9)]
    assert round_trips_of([*bought, *(trade(n, "SELL", 1, 100, 0.5) for n in (10, 20))]) == pytest.approx(50 / 140)


def test_a_pair_that_is_bought_for_one_and_merged_at_once_is_a_round_trip_whatever_each_outcome_cost() -> None:
    pair = [trade(0, "BUY", 1, 100, 0.9), trade(5, "BUY", 2, 100, 0.1)]
    assert round_trips_of([*pair, Trade("7", 60, "MERGE", 0, 100, 100, None)]) == 1
    cheap = [trade(0, "BUY", 1, 100, 0.8), trade(5, "BUY", 2, 100, 0.1)]
    assert round_trips_of([*cheap, Trade("7", 60, "MERGE", 0, 100, 100, None)]) == 0


def test_a_merge_of_shares_of_which_one_outcome_was_bought_before_counts_at_half() -> None:
    merge = Trade("7", 60, "MERGE", 1, 100, 100, None)
    assert round_trips_of([trade(0, "BUY", 1, 100, 0.51), merge]) == 1
    assert round_trips_of([trade(0, "BUY", 1, 100, 0.60), merge]) == 0


def test_a_wallet_is_flagged_for_four_fifths_of_ten_thousand() -> None:
    def wallet(farmed: float, honest: float) -> bool:
        both = [trade(0, "BUY", 1, farmed, 0.5), trade(0, "BUY", 2, farmed, 0.5)]
        return measure_farming([*both, trade(0, "BUY", 1, 2 * honest, 0.5, "8")]).is_flagged

    assert wallet(8_000, 2_000)
    assert not wallet(7_990, 2_010)
    assert not wallet(7_990, 1_990)


def test_a_wallet_without_trades_has_no_share() -> None:
    assert measure_farming([]).share is None
    assert measure_farming([Trade("7", 0, "SPLIT", 0, 100, 100, None)]).share is None


TRADES = st.lists(
    st.builds(
        Trade,
        market=st.sampled_from(("7", "8")),
        second=st.integers(0, 1_500),
        action=st.sampled_from(("BUY", "BUY", "SELL", "SPLIT", "MERGE")),
        outcome_side=st.sampled_from((0, 1, 2)),
        shares=st.integers(0, 1_000).map(float),
        amount=st.integers(0, 1_000).map(float),
        price=st.sampled_from((None, 0.49, 0.5, 0.51, 0.6)),
    ),
    max_size=30,
)


@given(TRADES, st.randoms(use_true_random=False))
def test_the_order_in_which_trades_arrive_changes_nothing(trades: list[Trade], chance: random.Random) -> None:
    shuffled = list(trades)
    chance.shuffle(shuffled)
    assert measure_farming(shuffled) == measure_farming(trades)


@given(TRADES)
def test_a_share_is_a_share_and_never_counts_more_than_was_bought(trades: list[Trade]) -> None:
    measured = measure_farming(trades)
    assert measured.share is None or 0 <= measured.share <= 1
    assert 0 <= round_trips_of(trades) <= 1
    assert 0 <= offset_of(trades) <= 1
