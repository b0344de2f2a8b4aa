"""Job `stats`: figures that are the same however they came about, and withheld rather than partial."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.jobs import stats
from opinionscope.jobs.due_questions import judge_due_questions
from opinionscope.jobs.stats import compute_stats
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.store.whale_questions import cumulative_profit, find_questions, profit_by_month
from opinionscope.store.whales import Whale, find_whale
from opinionscope.times import to_seconds_text
from opinionscope.track_record.positions import PositionSums
from tests.positions import WHALE, add_position, add_whale, decide, make_due
from tests.rounds import examples

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TABLES = ("whale_questions", "record_parts")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with one wallet whose history is complete."""
    with Store.open(tmp_path / "o.db") as store:
        add_whale(store)
        yield store


def figures(store: Store) -> Whale:
    """The wallet's figures after a run of the job."""
    compute_stats(store, now=NOW)
    whale = find_whale(store, WHALE)
    assert whale is not None
    return whale


def bought(shares: float, amount: float) -> PositionSums:
    return PositionSums(buy_shares=shares, buy_amount=amount)


def add_decided(store: Store, won: int, lost: int) -> None:
    """Questions of 100 shares at 0.25 each: a won one brings 75, a lost one costs 25."""
    for number in range(1, won + lost + 1):
        add_position(store, str(number), 1, bought(100, 25))
        decide(store, str(number), "won" if number <= won else "lost", f"2026-0{1 + number % 3}-15T12:00:00Z")


def test_a_record_shows_what_was_won_lost_held_and_paid(store: Store) -> None:
    add_decided(store, 6, 14)
    add_position(store, "50", 1, bought(100, 40), api_shares=200, api_value=100)
    decide(store, "50", "undecided")

    whale = figures(store)

    assert (whale.won_questions, whale.decided_questions, whale.record_withheld) == (6, 20, None)
    assert whale.net_profit == 6 * 75 - 14 * 25
    assert whale.roi == pytest.approx(100 / 500)
    assert whale.luck == pytest.approx(100 / (20 * 100**2 * 0.25 * 0.75) ** 0.5)
    assert (whale.exposure, whale.unrealized_profit) == (40, 10)
    assert whale.win_rate_low == pytest.approx(0.145, abs=5e-4)
    assert whale.win_rate_high == pytest.approx(0.519, abs=5e-4)


def test_a_market_that_is_decided_later_changes_what_was_open(store: Store) -> None:
    add_position(store, "1", 1, bought(100, 25))
    decide(store, "1", "undecided")
    before = figures(store)
    decide(store, "1", "lost")
    after = figures(store)
    assert (before.net_profit, before.exposure, before.unrealized_profit) == (0, 25, None)
    assert (after.net_profit, after.exposure, after.unrealized_profit) == (-25, 0, 0)
    assert (after.decided_questions, after.record_withheld) == (1, "1 of 20 decided questions")


def test_a_position_moves_to_its_topic_once_its_market_is_known(store: Store) -> None:
    add_position(store, "1", 1, bought(100, 25))
    add_position(store, "2", 1, bought(100, 30), root_market_external_id="9")
    assert figures(store).record_withheld == "2 positions in a market not known yet"
    decide(store, "1", "won", topic="9")
    decide(store, "2", "lost", topic="9")
    whale = figures(store)
    assert (whale.decided_questions, whale.won_questions, whale.net_profit) == (1, 1, 45)
    assert [row["question"] for row in store.query("SELECT question FROM whale_questions")] == ["topic:9"]


def test_a_question_closes_when_its_market_was_decided_even_if_that_is_known_only_later(store: Store) -> None:
    add_position(store, "1", 1, bought(100, 25))
    decide(store, "1", "won")
    figures(store)
    decide(store, "1", "won", resolved_at="2026-01-20T00:00:00Z")
    figures(store)
    assert store.value("SELECT closed_at FROM whale_questions") == "2026-01-20T00:00:00Z"


def test_a_position_whose_trades_were_all_withdrawn_leaves_nothing_behind(store: Store) -> None:
    add_decided(store, 1, 1)
    figures(store)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE positions SET buy_shares = 0, buy_amount = 0, trade_count = 0, figures_due = 1 "
            "WHERE market_external_id = '2'"
        )
    assert figures(store).net_profit == 75
    assert store.value("SELECT count(*) FROM positions") == 1
    assert store.value("SELECT count(*) FROM whale_questions") == 1
    assert store.value("SELECT sum(lost) FROM record_parts") == 0


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("history_read_at = NULL", "history catching up"),
        ("api_total = 5, known_trades = 2", "history behind by 3"),
        ("unsummed = 1", "1 trade not summed yet"),
    ],
)
def test_a_partial_history_never_shows_as_a_whole(store: Store, columns: str, reason: str) -> None:
    add_decided(store, 10, 12)
    assert figures(store).net_profit is not None
    with store.transaction() as connection:
        connection.execute(f"UPDATE whales SET {columns}")
    whale = figures(store)
    assert whale.record_withheld == reason
    shown = (whale.net_profit, whale.exposure, whale.roi, whale.luck, whale.won_questions, whale.decided_questions)
    assert set(shown) == {None}


def test_trades_without_an_outcome_withhold_the_record(store: Store) -> None:
    add_position(store, "1", 0, bought(100, 25))
    decide(store, "1", "won")
    assert figures(store).record_withheld == "1 position without an outcome"


def test_the_figures_of_a_removed_wallet_are_kept_up_to_date(store: Store) -> None:
    add_whale(store, "0x" + "d" * 40, enabled=0)
    add_position(store, "1", 1, bought(100, 25), address="0x" + "d" * 40)
    decide(store, "1", "won")
    figures(store)
    removed = find_whale(store, "0x" + "d" * 40)
    assert removed is not None
    assert removed.net_profit == 75


def test_best_and_worst_questions_have_the_titles_of_their_markets_and_topics(store: Store) -> None:
    add_decided(store, 2, 2)
    add_position(store, "1", 2, bought(100, 70))
    make_due(store)
    add_position(store, "7", 1, bought(10, 9), root_market_external_id="9")
    decide(store, "7", "won", topic="9")
    figures(store)
    best = [(question.title, question.net_profit) for question in find_questions(store, WHALE, state="won")]
    assert best == [("Market 2", 75), ("Market 1", 5), ("As traded: 7", 1)]
    worst = find_questions(store, WHALE, state="lost", limit=1)
    assert [(question.question, question.net_profit, question.cost) for question in worst] == [("3", -25, 25)]


def test_profit_belongs_to_the_month_in_which_the_question_closed(store: Store) -> None:
    add_decided(store, 3, 3)
    sold = PositionSums(buy_shares=100, buy_amount=40, sell_shares=50, sell_amount=30)
    add_position(store, "50", 1, sold, last_traded_at="2026-05-01T09:00:00Z")
    add_position(store, "51", 1, bought(100, 40), last_traded_at="2026-05-02T09:00:00Z")
    decide(store, "50", "undecided")
    decide(store, "51", "undecided")
    figures(store)
    months = profit_by_month(store, WHALE)
    assert [(month.month, month.net_profit, month.won, month.lost) for month in months] == [
        ("2026-01", 50, 1, 1),
        ("2026-02", 50, 1, 1),
        ("2026-03", 50, 1, 1),
        ("2026-05", 10, 0, 0),
    ]
    days = cumulative_profit(store, WHALE)
    assert [(f"{day.day:%m-%d}", day.net_profit) for day in days] == [
        ("01-15", 50),
        ("02-15", 100),
        ("03-15", 150),
        ("05-01", 160),
    ]


SHARES = st.integers(0, 3_000).map(lambda thousandths: thousandths / 7)
POSITIONS = st.lists(
    st.tuples(
        st.sampled_from([str(number) for number in range(1, 9)]),
        st.sampled_from((1, 2)),
        st.builds(
            PositionSums, buy_shares=SHARES, buy_amount=SHARES, sell_shares=SHARES, sell_amount=SHARES,
            split_shares=SHARES, merge_shares=SHARES,
        ),
    ),
    min_size=1, max_size=16, unique_by=lambda position: position[:2],
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(
        st.sampled_from([str(number) for number in range(1, 9)]),
        st.sampled_from(("undecided", "won", "lost", "void")),
        st.sampled_from((None, None, "8", "9")),
        st.integers(1, 4),
    ),
    max_size=8,
)


@examples(15)
@given(positions=POSITIONS, changes=CHANGES)
def test_any_order_of_changes_gives_the_figures_of_a_full_recomputation(
    positions: list[tuple[str, int, PositionSums]], changes: list[tuple[str, str, str | None, int]]
) -> None:
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "o.db") as store:
        store.pragma("synchronous = OFF")
        add_whale(store)
        for number, (market, side, sums) in enumerate(positions):
            add_position(store, market, side, sums, root_market_external_id=("9", market)[number % 2])
        for market, result, topic, batch in changes:
            decide(store, market, result, topic=topic)
            judge_due_questions(store, now=NOW, batch=batch, pause=0)
        judged = figures(store)
        stepwise = contents(store), judged
        net_profit = store.value("SELECT total(net_profit) FROM record_parts")
        assert net_profit == pytest.approx(store.value("SELECT total(realized + settled) FROM position_figures"))
        assert net_profit == pytest.approx(sum(month.net_profit for month in profit_by_month(store, WHALE)))
        make_due(store)
        with store.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
        anew = figures(store)
        assert (contents(store), anew) == stepwise


def contents(store: Store) -> list[list[tuple[Any, ...]]]:
    return [[tuple(row) for row in store.query(f"SELECT * FROM {table}")] for table in TABLES]


def test_a_run_that_is_stopped_between_two_batches_is_finished_by_the_next(store: Store) -> None:
    add_decided(store, 6, 14)

    def stop(_: str, done: int, __: int | None) -> None:
        assert store.value("SELECT count(*) FROM positions WHERE figures_due = 1") == 20 - done
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_due_questions(store, now=NOW, batch=5, pause=0, progress=stop)
    assert store.value("SELECT count(*) FROM whale_questions") == 15
    assert figures(store).net_profit == 100


def add_trades(store: Store, count: int, action: str, side: int, moment: datetime, first: int = 0) -> None:
    rows = [
        NewTrade(
            "7", "7", None, f"0x{number}", action, None, side, 0.5, 2_000.0, 1_000.0, 0.0, 0.0, None, None,
            to_seconds_text(moment), number, 1,
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    with store.transaction() as connection:
        insert_trades(connection, WHALE, rows, moment)


def test_a_farmer_is_flagged_since_the_oldest_trade_that_is_stored_and_no_longer_after_a_month(store: Store) -> None:
    began = NOW - timedelta(days=2)
    add_trades(store, 5, "BUY", 1, began)
    add_trades(store, 5, "BUY", 2, began + timedelta(days=1), first=5)
    add_trades(store, 10, "BUY", 1, NOW + timedelta(days=1), first=10)
    farmer = figures(store)
    assert (farmer.flagged, farmer.farming_share, farmer.farming_since) == (True, 1.0, began)
    compute_stats(store, now=NOW + timedelta(days=40))
    reformed = find_whale(store, WHALE)
    assert reformed is not None
    assert (reformed.flagged, reformed.farming_share, reformed.farming_since) == (False, None, None)


def test_a_run_measures_the_farming_of_as_many_wallets_as_it_can_and_the_next_one_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "_TRADES_A_RUN", 10)
    add_trades(store, 10, "BUY", 1, NOW - timedelta(days=1))
    for digit in "abc":
        add_whale(store, f"0x{digit * 40}")
    measured = []
    for _ in range(2):
        compute_stats(store, now=NOW)
        measured.append(store.value("SELECT count(farming_checked_at) FROM whales"))
    assert measured == [1, 4]
