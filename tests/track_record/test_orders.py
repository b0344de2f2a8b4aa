"""Orders and what they did to a position: worked examples, and what holds whatever was traded."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.track_record.orders import (
    GAP,
    LONGEST,
    Fill,
    Order,
    Sides,
    change_of,
    group_orders,
    held,
    latest_orders,
    reach_of,
    with_fill,
    without,
)
from tests.rounds import examples

WALLET = "0x" + "a" * 40


def fill(number: int, second: int, action: str = "BUY", side: int = 1, shares: float = 10, amount: float = 5) -> Fill:
    return Fill(number, WALLET, "7", side, action, second, shares, amount)


FILLS = st.lists(
    st.builds(
        fill,
        number=st.just(0),
        second=st.integers(0, 3_000),
        action=st.sampled_from(["BUY", "SELL", "SPLIT", "MERGE"]),
        side=st.sampled_from([1, 2]),
        shares=st.decimals(0, 1_000, places=3).map(float),
        amount=st.decimals("0.01", 1_000, places=3).map(float),
    ),
    max_size=40,
).map(lambda fills: [replace(each, id=number) for number, each in enumerate(fills)])


def test_fills_within_a_minute_of_each_other_are_one_order() -> None:
    orders = group_orders([fill(1, 0), fill(2, 60), fill(3, 120), fill(4, 181)])
    assert [[each.id for each in order.fills] for order in orders] == [[1, 2, 3], [4]]


def test_an_order_lasts_ten_minutes_at_most() -> None:
    orders = group_orders([fill(number, number * 50) for number in range(15)])
    assert [len(order.fills) for order in orders] == [13, 2]
    assert orders[0].last - orders[0].first == LONGEST


def test_a_wallet_that_never_pauses_begins_an_order_at_each_ten_minutes_of_the_clock() -> None:
    orders = group_orders([fill(number, 130 + number * 60) for number in range(33)])
    assert [(order.first, order.last) for order in orders] == [(130, 730), (790, 1_150), (1_210, 1_750), (1_810, 2_050)]


def test_other_markets_outcomes_and_actions_are_other_orders() -> None:
    fills = [
        fill(1, 0),
        fill(2, 1, side=2),
        fill(3, 2, "SELL"),
        replace(fill(4, 3), market_external_id="8"),
        fill(5, 4),
    ]
    assert [[each.id for each in order.fills] for order in group_orders(fills)] == [[1, 5], [2], [3], [4]]


def test_the_price_of_a_buy_is_without_its_fee() -> None:
    (order,) = group_orders([replace(fill(1, 0, amount=5.1), fee=0.1), replace(fill(2, 9, amount=7.2), fee=0.2)])
    assert (order.shares, order.amount) == (20, 12.3)
    assert order.fees == pytest.approx(0.3)
    assert order.price == pytest.approx(0.6)


def test_a_sale_is_taken_as_what_came_in() -> None:
    (order,) = group_orders([replace(fill(1, 0, "SELL", amount=4.0), fee=0.5)])
    assert order.price == 0.4


def test_a_split_without_shares_has_its_amount() -> None:
    (order,) = group_orders([fill(1, 0, "SPLIT", shares=0, amount=30)])
    assert (order.shares, order.price) == (30, 1)


@examples(200)
@given(fills=FILLS, seed=st.integers(0, 99))
def test_orders_hold_every_fill_once_whatever_their_order(fills: list[Fill], seed: int) -> None:
    orders = group_orders(fills)
    assert sorted(each.id for order in orders for each in order.fills) == [each.id for each in fills]
    for order in orders:
        seconds = [each.second for each in order.fills]
        assert all(later - earlier <= GAP for earlier, later in pairwise(seconds))
        assert seconds[-1] - seconds[0] <= LONGEST
    shuffled = Random(seed).sample(fills, len(fills))
    assert group_orders(shuffled) == orders


@examples(200)
@given(fills=FILLS)
def test_the_latest_orders_are_the_same_orders_by_their_last_fill(fills: list[Fill]) -> None:
    newest_first = sorted(fills, key=lambda each: each.moment, reverse=True)
    by_last_fill = sorted(group_orders(fills), key=lambda order: order.fills[-1].moment, reverse=True)
    assert list(latest_orders(newest_first)) == by_last_fill


def test_the_latest_order_needs_few_fills() -> None:
    fills = iter([replace(fill(number, 100_000 - number * 40), market_external_id=str(number)) for number in range(99)])
    assert next(latest_orders(fills)).fills[0].id == 0
    assert len(list(fills)) > 90


@examples(200)
@given(seed=st.integers(0, 10_000), pauses=st.sampled_from([0, 0.01, 0.1]), data=st.data())
def test_the_orders_of_new_fills_are_the_same_however_much_is_read(
    seed: int, pauses: float, data: st.DataObject
) -> None:
    chance, second, fills = Random(seed), seed, list[Fill]()
    for number in range(200):
        second += 61 if chance.random() < pauses else chance.choice((2, 30, 59, 60))
        fills.append(fill(number, second))
    new = data.draw(st.sampled_from(fills)).second

    def orders_since(start: int) -> list[Order]:
        return [order for order in group_orders(each for each in fills if each.second >= start) if order.last >= new]

    assert orders_since(reach_of(new)) == orders_since(0) == orders_since(reach_of(new) - 777)


def sums_of(fills: list[Fill]) -> Sides:
    sums: Sides = {}
    for each in fills:
        sums = with_fill(sums, each)
    return sums


@examples(200)
@given(fills=FILLS, cut=st.integers(0, 40))
def test_taking_fills_away_is_as_if_they_had_not_come(fills: list[Fill], cut: int) -> None:
    before, after = sums_of(fills[:cut]), without(sums_of(fills), fills[cut:])
    for side in (1, 2):
        assert held(after, side) == pytest.approx(held(before, side), abs=1e-6)


def change(history: list[Fill], *order: Fill) -> str | None:
    before = sums_of(history)
    after = sums_of([*history, *order])
    return change_of(order[0].action, order[0].outcome_side, before, after)


def test_the_first_shares_are_a_new_position_and_more_are_added() -> None:
    assert change([], fill(1, 0)) == "NEW"
    assert change([fill(1, 0)], fill(2, 9)) == "ADD"


def test_a_sale_reduces_a_position_or_ends_it() -> None:
    assert change([fill(1, 0)], fill(2, 9, "SELL", shares=4)) == "REDUCE"
    assert change([fill(1, 0)], fill(2, 9, "SELL", shares=10)) == "EXIT"


def test_what_is_left_as_dust_is_an_exit_and_what_was_dust_is_new_again() -> None:
    assert change([fill(1, 0)], fill(2, 9, "SELL", shares=9.99)) == "EXIT"
    assert change([fill(1, 0), fill(2, 9, "SELL", shares=9.99)], fill(3, 20)) == "NEW"


def test_more_of_the_other_outcome_than_is_held_of_this_one_is_a_flip() -> None:
    no = fill(1, 0, side=2, shares=10)
    assert change([no], fill(2, 9, shares=11)) == "FLIP"
    assert change([no], fill(2, 9, shares=9)) == "NEW"
    assert change([no, fill(2, 9, shares=30)], fill(3, 20)) == "ADD"


def test_a_split_and_a_merge_are_about_both_outcomes() -> None:
    split = fill(1, 0, "SPLIT")
    assert change([], split) == "NEW"
    assert change([split], fill(2, 9, "MERGE", shares=4)) == "REDUCE"
    assert change([split], fill(2, 9, "MERGE", shares=10)) == "EXIT"


def test_nothing_is_said_of_an_order_that_names_no_outcome() -> None:
    assert change([], fill(1, 0, side=0)) is None
