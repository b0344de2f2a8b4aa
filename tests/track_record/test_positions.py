"""The figures of a position: worked examples, and what holds whatever was traded."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from opinionscope.store.migrations import migrations
from opinionscope.track_record.positions import DUST, PAYOUTS, PositionSums, Result, figures_of, result_of
from tests.rounds import examples

SHARES = st.decimals(0, 100_000, places=3).map(float)
PRICES = st.decimals("0.001", "0.999", places=3).map(float)
RESULTS: tuple[Result, ...] = ("undecided", "won", "lost", "void")


@st.composite
def sums(draw: st.DrawFn, *, explained: bool = False) -> PositionSums:
    bought, split = draw(SHARES), draw(SHARES)
    limit = bought + split
    sold = draw(st.floats(0, limit)) if explained else draw(SHARES)
    merged = draw(st.floats(0, limit - sold)) if explained else draw(SHARES)
    return PositionSums(bought, bought * draw(PRICES), sold, sold * draw(PRICES), split, merged, 0.0, 4)


def test_a_split_whose_no_side_is_sold_gains_on_the_yes_side_that_wins() -> None:
    yes = figures_of(PositionSums(split_shares=100), "won")
    no = figures_of(PositionSums(split_shares=100, sell_shares=100, sell_amount=40), "lost")
    assert (no.realized, no.settled, no.state) == (-10, 0, "exited")
    assert (yes.realized, yes.settled, yes.state) == (0, 50, "won")


def test_shares_held_to_zero_are_a_loss() -> None:
    figures = figures_of(PositionSums(buy_shares=100, buy_amount=25), "lost")
    assert (figures.settled, figures.state) == (-25, "lost")


def test_what_was_bought_dear_and_sold_cheap_has_no_exposure_left() -> None:
    bought_and_sold = PositionSums(buy_shares=20_000, buy_amount=15_000, sell_shares=20_000, sell_amount=5_000)
    figures = figures_of(bought_and_sold, "undecided")
    assert (figures.realized, figures.exposure, figures.state) == (-10_000, 0, "exited")


def test_shares_from_elsewhere_are_marked_and_their_proceeds_are_no_profit() -> None:
    figures = figures_of(PositionSums(buy_shares=10, buy_amount=5, sell_shares=30, sell_amount=24), "undecided")
    assert (figures.unexplained_shares, figures.realized, figures.net_shares) == (20, 3, 0)


def test_a_merge_brings_half_of_its_amount_a_side() -> None:
    figures = figures_of(PositionSums(buy_shares=100, buy_amount=30, merge_shares=100), "undecided")
    assert figures.realized == 20


def test_dust_is_a_matter_of_value() -> None:
    many_cheap = PositionSums(buy_shares=1_000, buy_amount=0.009)
    few_dear = PositionSums(buy_shares=0.05, buy_amount=0.045)
    assert figures_of(many_cheap, "won").state == "exited"
    assert figures_of(few_dear, "won").state == "won"


def test_without_a_mark_the_unrealized_profit_is_unknown() -> None:
    held = PositionSums(buy_shares=100, buy_amount=40)
    assert figures_of(held, "undecided").unrealized is None
    assert figures_of(held, "undecided", 0.5).unrealized == 10


@pytest.mark.parametrize(
    ("side", "status", "token", "expected"),
    [
        (1, "resolved", "Y", "won"),
        (2, "resolved", "Y", "lost"),
        (2, "resolved", "N", "won"),
        (1, "resolved", None, "void"),
        (1, "resolved", "other", "void"),
        (1, "failed", "Y", "void"),
        (1, "deleted", None, "void"),
        (1, "activated", None, "undecided"),
        (1, None, None, "undecided"),
        (0, "resolved", "Y", "undecided"),
        (0, "failed", None, "void"),
    ],
)
def test_the_result_token_alone_says_who_won(side: int, status: str | None, token: str | None, expected: str) -> None:
    assert result_of(side, status=status, result_token=token, yes_token="Y", no_token="N") == expected


@given(sums(explained=True), st.sampled_from(["won", "lost"]))
def test_profit_is_what_came_in_minus_what_was_paid(position: PositionSums, result: Result) -> None:
    figures = figures_of(position, result)
    held = max(0.0, position.acquired - position.disposed)
    flows = position.proceeds + held * PAYOUTS[result] - position.cost
    dust = held if figures.state == "exited" else 0.0
    assert figures.realized + figures.settled == pytest.approx(flows, abs=DUST + dust + 1e-6)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrations.apply(Database(connection))
        yield connection


@examples(60)
@given(position=sums(), result=st.sampled_from(RESULTS), mark=st.none() | PRICES)
def test_the_view_shows_the_same_figures(
    database: sqlite3.Connection, position: PositionSums, result: Result, mark: float | None
) -> None:
    database.execute("BEGIN")
    try:
        database.execute(
            "INSERT INTO positions (whale_address, platform, market_external_id, outcome_side, api_shares, api_value, "
            "buy_shares, buy_amount, sell_shares, sell_amount, split_shares, merge_shares, fees, trade_count) "
            "VALUES ('0x1', 'opinion_trade', '7', 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (None if mark is None else 2.0, None if mark is None else 2 * mark, *astuple(position)),
        )
        status = {"undecided": "activated", "void": "failed"}.get(result, "resolved")
        token = {"won": "Y", "lost": "N"}.get(result)
        database.execute(
            "INSERT INTO markets (platform, external_id, market_type, title, status, labels, yes_token_id, "
            "no_token_id, result_token_id, first_seen_at, updated_at) "
            "VALUES ('opinion_trade', '7', 'child', '', ?, '[]', 'Y', 'N', ?, '', '')",
            (status, token),
        )
        figures = figures_of(position, result, mark)
        names = [field.name for field in fields(figures)]
        (shown,) = database.execute(f"SELECT {', '.join(names)} FROM position_figures").fetchall()
    finally:
        database.execute("ROLLBACK")
    for name, value in zip(names, shown, strict=True):
        assert value == pytest.approx(getattr(figures, name), abs=1e-6), name
