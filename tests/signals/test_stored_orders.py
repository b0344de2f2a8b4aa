"""Orders of at least some amount, found without reading every fill."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from opinionscope.signals.stored_orders import fills_of_large_orders, orders_of
from opinionscope.store.whale_activity import FillAmount, StoredTrade

BEGIN = datetime(2026, 9, 21, 12, 9, tzinfo=UTC)

gaps = st.one_of(st.integers(0, 3), st.integers(55, 65), st.integers(500, 700))
traded = st.tuples(gaps, st.sampled_from("ab"), st.sampled_from((1, 2)), st.sampled_from((0.1, 1.0, 5.0)))


def trade(number: int, second: int, wallet: str, side: int, amount: float) -> StoredTrade:
    when = BEGIN + timedelta(seconds=second)
    return StoredTrade(
        number, wallet, "opinion_trade", "1", None, None, f"0x{number}", "BUY", None, side, 0.5, amount * 2, amount,
        None, None, None, None, when, when, number, 1,
    )  # fmt: skip


def amount_of(each: StoredTrade) -> FillAmount:
    second = int(each.timestamp.timestamp())
    return FillAmount(each.id, each.whale_address, each.market_external_id, each.action, each.amount, second)


@given(st.lists(traded, max_size=40), st.sampled_from((0.3, 1.1, 5.0, 12.0)))
def test_every_large_order_is_found_whole_from_the_fills_that_can_be_part_of_one(
    history: list[tuple[int, str, int, float]], least: float
) -> None:
    second, trades = 0, list[StoredTrade]()
    for number, (gap, wallet, side, amount) in enumerate(history):
        second += gap
        trades.insert(0, trade(number, second, wallet, side, amount))
    chosen = fills_of_large_orders(map(amount_of, trades), least)

    found = orders_of(each for each in trades if each.id in chosen)

    assert chosen == [each.id for each in trades if each.id in chosen]
    assert [order for order in found if order.amount >= least] == [
        order for order in orders_of(trades) if order.amount >= least
    ]
