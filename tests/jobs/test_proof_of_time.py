"""What bears out this machine's clock before anything is deleted for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opinionscope.job_table import WHALES
from opinionscope.jobs.proof_of_time import ClockDoubted, proven_now
from opinionscope.store.clock import ExchangeTime
from opinionscope.store.database import Store
from opinionscope.store.request_minutes import record_requests
from opinionscope.store.sync_logs import log_failed
from opinionscope.store.whale_activity import insert_trades
from tests.cli.conftest import trade

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "o.db") as store:
        yield store


def answered(store: Store, exchange_at: datetime, *, ahead: timedelta = timedelta(0)) -> None:
    """The exchange has answered at its own time, when our clock was ahead by so much."""
    record_requests(store, {}, ExchangeTime(exchange_at, exchange_at + ahead))


def runs(store: Store, start: datetime, end: datetime, every: timedelta = 6 * HOUR) -> None:
    """Runs in the log, one after the other by our clock."""
    while start < end:
        log_failed(store, WHALES, "no connection", start)
        start += every


def is_believed(store: Store, now: datetime) -> bool:
    try:
        assert proven_now(store, now) <= now
    except ClockDoubted:
        return False
    return True


def test_an_empty_database_has_nothing_to_lose(store: Store) -> None:
    assert proven_now(store, NOW) == NOW


@pytest.mark.parametrize(("since", "believed"), [(HOUR, True), (47 * HOUR, True), (50 * HOUR, False)])
def test_a_recent_answer_bears_the_clock_out(store: Store, since: timedelta, believed: bool) -> None:
    answered(store, NOW - since)
    assert is_believed(store, NOW) is believed


@pytest.mark.parametrize(
    ("ahead", "taken_off"),
    [(timedelta(0), timedelta(0)), (-HOUR, timedelta(0)), (HOUR, HOUR), (40 * HOUR, 40 * HOUR)],
)
def test_what_the_clock_is_ahead_is_taken_off(store: Store, ahead: timedelta, taken_off: timedelta) -> None:
    answered(store, NOW - ahead - HOUR, ahead=ahead)
    assert proven_now(store, NOW) == NOW - taken_off


def test_a_clock_that_was_ahead_and_has_been_set_right_is_believed_as_it_is(store: Store) -> None:
    answered(store, NOW - HOUR, ahead=200 * DAY)
    assert proven_now(store, NOW) == NOW


def test_a_clock_that_is_still_ahead_is_doubted_however_long_it_has_been_so(store: Store) -> None:
    """With a run every few hours there is no gap, and still the exchange has said otherwise."""
    answered(store, NOW - 200 * DAY, ahead=200 * DAY - HOUR)
    runs(store, NOW - 201 * DAY, NOW)
    assert not is_believed(store, NOW)


def test_without_a_network_the_clock_is_believed_as_long_as_it_moves_on(store: Store) -> None:
    answered(store, NOW - 30 * DAY)
    runs(store, NOW - 30 * DAY, NOW)
    assert is_believed(store, NOW)
    assert not is_believed(store, NOW + 3 * DAY), "a jump, or a machine that was off"


def test_runs_after_a_jump_bear_nothing_out(store: Store) -> None:
    answered(store, NOW - 30 * DAY)
    runs(store, NOW - 30 * DAY, NOW)
    runs(store, NOW + 200 * DAY, NOW + 210 * DAY)
    assert not is_believed(store, NOW + 210 * DAY)


def test_the_newest_trade_stands_for_an_answer_before_there_is_one(store: Store) -> None:
    with store.transaction() as transaction:
        dates = (NOW - 30 * DAY, NOW - 5 * DAY, NOW + 5_000 * DAY)
        insert_trades(transaction, "0x1", [trade(number, when) for number, when in enumerate(dates)], NOW)
    assert not is_believed(store, NOW)
    runs(store, NOW - 5 * DAY, NOW)
    assert is_believed(store, NOW)
    assert not is_believed(store, NOW + 200 * DAY)


def test_without_any_trade_the_newest_run_bears_the_clock_out(store: Store) -> None:
    runs(store, NOW - DAY, NOW)
    assert is_believed(store, NOW)
    assert not is_believed(store, NOW + 200 * DAY)
