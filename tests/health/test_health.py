"""The rules of health, over the log as SQLite holds it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opinionscope.health.report import read_status
from opinionscope.health.rules import JobHealth, count_requests, judge
from opinionscope.locks import beside, try_lock
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from opinionscope.store.deliveries import record_delivery
from opinionscope.store.request_minutes import record_requests
from opinionscope.store.run_history import read_history, runs_with_requests
from opinionscope.times import to_millis_text
from tests.conftest import JOB

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "opinionscope.db") as opened:
        yield opened


def log(store: Store, job: str, status: str, minutes_ago: float, *, seconds: float = 2, requests: int = 0) -> None:
    """A row of the log; a run that is under way has no end."""
    begun = NOW - timedelta(minutes=minutes_ago)
    ended = None if status == "running" else to_millis_text(begun + timedelta(seconds=seconds))
    error = "no answer" if status in ("failed", "partial") else None
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO sync_logs (type, status, started_at, ended_at, request_count, error) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (job, status, to_millis_text(begun), ended, requests, error),
        )


def health(store: Store, job: str) -> JobHealth:
    return judge(read_history(store, JOB[job], NOW), NOW)


@pytest.mark.parametrize(
    ("job", "minutes_ago", "overdue"),
    [
        ("markets", 14.9, False),
        ("markets", 15.1, True),
        ("whales", 4.9, False),
        ("whales", 5.1, True),
        ("stats", 134, False),
        ("stats", 136, True),
        ("cleanup", 26 * 60 - 1, False),
        ("cleanup", 26 * 60 + 1, True),
    ],
)
def test_a_job_is_overdue_when_it_stays_away_for_longer_than_it_may(
    store: Store, job: str, minutes_ago: float, overdue: bool
) -> None:
    log(store, job, "completed", minutes_ago)
    assert health(store, job).overdue is overdue
    assert health(store, job).healthy is not overdue


def test_a_job_that_has_never_run_is_not_well(store: Store) -> None:
    never = health(store, "stats")
    assert (never.last_status, never.last_started_at, never.last_success_at) == (None, None, None)
    assert not never.healthy
    assert "never run" in (never.problem or "")


def test_skipped_and_running_runs_count_neither_way(store: Store) -> None:
    log(store, "whales", "completed", 4)
    log(store, "whales", "failed", 3)
    log(store, "whales", "partial", 2)
    log(store, "whales", "skipped", 1)
    log(store, "whales", "running", 0.5)
    with try_lock(beside(store.path, "whales.lock")):
        judged = health(store, "whales")
    assert judged.failures_in_a_row == 2
    assert judged.last_status == "running"
    assert not judged.healthy


def test_a_run_that_hangs_is_overdue_although_others_are_skipped_each_minute(store: Store) -> None:
    log(store, "whales", "running", 30)
    for minute in range(29):
        log(store, "whales", "skipped", minute)
    with try_lock(beside(store.path, "whales.lock")):
        judged = health(store, "whales")
    assert judged.overdue
    assert judged.last_status == "skipped"
    assert "29 runs were skipped" in (judged.problem or "")


def test_a_cleanup_that_runs_and_never_completes_becomes_overdue(store: Store) -> None:
    log(store, "cleanup", "completed", 30 * 60)
    log(store, "cleanup", "failed", 30)
    assert health(store, "cleanup").overdue


def test_the_typical_time_is_the_median_of_the_last_twenty_completed_runs(store: Store) -> None:
    for number in reversed(range(30)):
        log(store, "whales", "completed", number + 1, seconds=3 if number < 20 else 50)
    log(store, "whales", "completed", 0.2, seconds=40)
    log(store, "whales", "failed", 0.1, seconds=900)
    assert health(store, "whales").typical_seconds == 3


def test_the_last_minute_has_what_the_runs_in_it_sent(store: Store) -> None:
    log(store, "whales", "completed", 5, seconds=4, requests=50)
    log(store, "whales", "completed", 1.5, seconds=4, requests=50)
    log(store, "whales", "completed", 0.5, seconds=4, requests=50)
    minute = NOW.replace(second=0)
    record_requests(
        store, {minute: (50, 2), minute - timedelta(minutes=1): (50, 0), minute - timedelta(hours=2): (9, 9)}
    )
    requests = read_status(store, NOW, Settings.model_validate({})).requests
    assert (requests.last_minute, requests.last_hour, requests.throttled_last_hour) == (50, 150, 2)
    assert requests.limit_per_second == 15


def test_a_long_run_counts_by_its_share_of_the_minute_and_one_under_way_by_what_it_has_sent(store: Store) -> None:
    log(store, "markets", "completed", 2, seconds=120, requests=800)
    minutes = {NOW.replace(second=0): 300, NOW.replace(second=0) - timedelta(minutes=1): 600}
    runs = runs_with_requests(store, NOW - timedelta(hours=1))
    assert count_requests(runs, minutes, lambda run: run.request_count, NOW)[0] == 400
    assert count_requests([], minutes, lambda run: run.request_count, NOW)[0] == 300


def test_what_channels_last_did_is_kept_when_an_attempt_fails(store: Store) -> None:
    record_delivery(store, "alert", NOW, sent=True, error=None)
    record_delivery(store, "alert", NOW + timedelta(hours=1), sent=False, error="did not answer in time")
    alerts = read_status(store, NOW, Settings.model_validate({})).alerts
    assert (alerts.last_sent_at, alerts.last_error) == (NOW, "did not answer in time")


def test_a_month_of_log_is_judged_in_no_time(store: Store) -> None:
    start = NOW - timedelta(days=30)
    rows = [
        (job, "failed" if minute > 28 * 1_440 else "completed", to_millis_text(start + timedelta(minutes=minute)))
        for minute in range(30 * 1_440)
        for job in ("whales", *(["markets"] if minute % 5 == 0 else []))
    ]
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO sync_logs (type, status, started_at, ended_at, error) VALUES (?1, ?2, ?3, ?3, 'no answer')",
            rows,
        )
    steps = 0

    def count_steps() -> int:
        nonlocal steps
        steps += 1
        return 0

    store._connection.set_progress_handler(count_steps, 1000)
    for job in JOB.values():
        read_history(store, job, NOW)
    store._connection.set_progress_handler(None, 0)
    assert steps < 100, f"{steps} thousand steps of SQLite"
