"""The verdict of `status`, and how late trades are seen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.health.delay import judge_delay
from opinionscope.health.report import read_status
from opinionscope.health.verdict import short_cause
from opinionscope.job_table import WHALES
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import Outcome, close_run, open_run
from opinionscope.store.whale_activity import insert_trades
from opinionscope.store.whales import add_whales
from opinionscope.times import to_millis_text
from tests.cli.conftest import trade
from tests.health.test_health import NOW, health, log

WHALE = "0x" + "a" * 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "opinionscope.db") as opened:
        yield opened


def test_the_verdict_names_each_problem_in_a_few_words(store: Store) -> None:
    for job, status, minutes in (
        ("markets", "completed", 20),
        ("markets", "failed", 12),
        ("markets", "failed", 2),
        ("whales", "partial", 3),
        ("positions", "completed", 5),
        ("stats", "completed", 5),
        ("cleanup", "completed", 60 * 40),
    ):
        log(store, job, status, minutes)
    with store.transaction() as connection:
        connection.execute("UPDATE sync_logs SET error = 'page 1: exchange error (HTTP 503)' WHERE type = 'markets'")

    verdict = read_status(store, NOW, Settings.model_validate({})).verdict

    assert verdict == (
        "3 problems: markets failing for 12 min (HTTP 503), whales partial for 3 min (no answer), cleanup overdue"
    )
    assert read_status(store, NOW, Settings.model_validate({}), settings_error="X: bad").verdict.startswith(
        "4 problems: settings wrong, "
    )


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("no answer in time: 20 wallets; 3 more", "no answer in time: 20 wallets"),
        ("exchange error (HTTP 502)", "HTTP 502"),
        ("\x1b[2J" + "x" * 100, "�[2J" + "x" * 55 + "…"),
    ],
)
def test_a_cause_is_short_and_harmless(error: str, cause: str) -> None:
    assert short_cause(error) == cause


def test_a_slow_run_says_why(store: Store) -> None:
    for minutes in range(2, 12):
        log(store, "whales", "completed", minutes, seconds=2)
    log(store, "whales", "completed", 1, seconds=40)
    assert health(store, "whales").slow == "the last run took 40 s, typically 2.0 s: 0 requests, no 429"
    with store.transaction() as connection:
        connection.execute("UPDATE sync_logs SET throttled_count = 8")
    assert health(store, "whales").slow == "the last run took 40 s, typically 2.0 s: 8 × 429"
    log(store, "whales", "completed", 0, seconds=3)
    assert health(store, "whales").slow is None


def test_a_delay_lasts_to_the_end_of_the_run_that_stored_the_trade(store: Store) -> None:
    add_whales(store, [(WHALE, None)], "manual", NOW)
    read_at = NOW - timedelta(hours=30)
    runs = [  # the number of the trade, when it was, when its run began, how that ended
        (1, read_at - timedelta(days=20), read_at, "closed"),
        (2, read_at + timedelta(hours=1), read_at + timedelta(hours=2), "closed"),
        (3, NOW - timedelta(hours=20), NOW - timedelta(hours=20) + timedelta(seconds=30), "closed"),
        (4, NOW - timedelta(days=3), NOW - timedelta(hours=2), "killed"),
        (5, NOW - timedelta(seconds=620), NOW - timedelta(seconds=600), "closed"),
        (6, NOW - timedelta(seconds=70), NOW - timedelta(seconds=60), "running"),
    ]
    with store.transaction() as transaction:
        transaction.execute("UPDATE whales SET history_read_at = ?", (to_millis_text(read_at),))
        for number, when, began, _ in runs:
            insert_trades(transaction, WHALE, [trade(number, when)], began)
    for _, _, began, ending in runs:
        run_id = open_run(store, WHALES, began)
        if ending == "closed":
            close_run(store, run_id, Outcome("partial"), began + timedelta(seconds=40))

    delay = read_status(store, NOW, Settings.model_validate({})).delay

    # The killed run had ended when the next one began.
    assert (delay.trades, delay.median_seconds, delay.p95_seconds) == (3, 70, 72 * 3600 - 600)
    assert judge_delay([]).as_document() == {"median_seconds": None, "p95_seconds": None, "trades": 0}


@given(st.lists(st.integers(-100, 10**7), min_size=1))
def test_at_least_the_share_of_trades_that_is_said_was_seen_within_the_time(seconds: list[int]) -> None:
    delay = judge_delay(seconds)
    assert delay.median_seconds is not None
    assert delay.p95_seconds is not None
    seconds = [max(0, each) for each in seconds]
    for share, bound in ((0.5, delay.median_seconds), (0.95, delay.p95_seconds)):
        assert sum(each <= bound for each in seconds) >= share * len(seconds)
        assert sum(each < bound for each in seconds) < max(1, share * len(seconds))
