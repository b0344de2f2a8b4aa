"""Alerts: one message after so many failures in a row, silence, and one more when it works again."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.alerts import pings
from opinionscope.alerts.outage_file import candidate_paths
from opinionscope.errors import ConfigurationError
from opinionscope.job_table import WHALES
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run
from opinionscope.notify import targets
from opinionscope.store.database import Store
from opinionscope.store.deliveries import find_delivery
from opinionscope.store.sync_logs import log_skipped, open_run
from tests.alerts.conftest import START, Jobs, broken, partial, well
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import CommandLine
from tests.emulated import IMPATIENT, machine

FAILING = "opinionscope: `sync whales` is failing"
RECOVERED = "opinionscope: `sync whales` has recovered"


def refused(_: Run) -> JobResult:
    raise ConfigurationError("the exchange refuses the API key")


def run_each_minute(jobs: Jobs, *endings: object) -> None:
    for ending in endings:
        jobs.run(ending)  # type: ignore[arg-type]
        jobs.minutes_later()


def test_failed_and_partial_runs_in_a_row_bring_one_message_and_recovery_another(
    alerted: Jobs, receiver: Receiver
) -> None:
    run_each_minute(alerted, well, broken, partial)
    assert receiver.titles == []

    run_each_minute(alerted, broken, broken, partial, broken)
    assert receiver.titles == [FAILING]
    assert "3 runs in a row" in receiver.received[0].message
    assert "since 2026-03-01 12:01:01 UTC" in receiver.received[0].message
    assert "no connection: refused" in receiver.received[0].message
    assert "opinionscope logs --failed --type whales" in receiver.received[0].message

    run_each_minute(alerted, well, well)
    assert receiver.titles == [FAILING, RECOVERED]
    assert "an outage of 6 min" in receiver.received[1].message


def test_a_success_in_between_starts_the_count_anew(alerted: Jobs, receiver: Receiver) -> None:
    run_each_minute(alerted, broken, broken, well, broken, broken, well)
    assert receiver.received == []


def test_jobs_are_counted_apart(alerted: Jobs, receiver: Receiver) -> None:
    for job in ("whales", "markets", "stats"):
        alerted.run(broken, job)
    assert receiver.received == []


def test_the_number_of_failures_can_be_set(alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPINIONSCOPE_ALERT_AFTER", "1")
    alerted.run(broken)
    assert receiver.titles == [FAILING]


def test_wrong_configuration_is_told_at_once_and_only_once(alerted: Jobs, receiver: Receiver) -> None:
    run_each_minute(alerted, refused, refused, refused, refused)
    assert receiver.titles == [FAILING]
    assert "the exchange refuses the API key" in receiver.received[0].message


def test_skipped_runs_count_neither_way(alerted: Jobs, receiver: Receiver) -> None:
    run_each_minute(alerted, broken, broken)
    with Store.open(alerted.database) as store:
        log_skipped(store, WHALES, alerted.now)
    alerted.minutes_later()
    run_each_minute(alerted, broken)
    assert receiver.titles == [FAILING]


def test_runs_that_are_killed_are_told_of_although_they_cannot_tell_it_themselves(
    alerted: Jobs, receiver: Receiver
) -> None:
    with Store.open(alerted.database) as store:
        for _ in range(3):
            open_run(store, WHALES, alerted.now)
            alerted.minutes_later()
    alerted.run(well)
    assert receiver.titles == [FAILING, RECOVERED]
    assert "killed before it ended" in receiver.received[0].message


def test_the_key_and_logins_in_urls_are_never_sent(
    alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPINION_TRADE_API_KEY", "s3cret-key")
    monkeypatch.setenv("OPINIONSCOPE_ALERT_AFTER", "1")

    def leaky(_: Run) -> JobResult:
        raise ConfigurationError("s3cret-key is refused by https://anna:pass@example.org/x")

    alerted.run(leaky)
    assert "*** is refused by https://***@example.org/x" in receiver.received[0].message
    assert "s3cret-key" not in receiver.received[0].body
    assert "anna" not in receiver.received[0].body


def test_what_no_target_accepted_is_told_later_and_shown(alerted: Jobs, receiver: Receiver) -> None:
    receiver.status = 500
    run_each_minute(alerted, broken, broken, broken, broken)
    assert receiver.titles == [FAILING], "refused once, and left alone for a while"
    with Store.open(alerted.database) as store:
        delivered = find_delivery(store, "alert")
    assert delivered.last_sent_at is None
    assert delivered.last_error == f"json://127.0.0.1:{receiver.port}/alerts did not accept the message"

    receiver.status = 200
    alerted.minutes_later(5)
    run_each_minute(alerted, broken, broken)
    assert receiver.titles == [FAILING, FAILING]
    with Store.open(alerted.database) as store:
        delivered = find_delivery(store, "alert")
    assert delivered.last_sent_at == START + timedelta(minutes=9, seconds=4)
    assert delivered.last_error is None


def test_one_target_that_accepts_is_enough(alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as deaf:
        deaf.status = 500
        monkeypatch.setenv("OPINIONSCOPE_ALERT_URLS", f"{deaf.alert_url}, {receiver.alert_url}")
        run_each_minute(alerted, broken, broken, broken, broken, broken, broken, broken, broken, broken)
        assert receiver.titles == deaf.titles == [FAILING]


def test_a_target_that_hangs_delays_a_run_for_less_than_ten_seconds_and_leaves_its_outcome_alone(
    command: CommandLine, receiver: Receiver, tmp_path: Path
) -> None:
    assert targets.SECONDS < 10
    assert pings.SECONDS <= 10
    receiver.status = 0
    result = command(
        "sync",
        "markets",
        OPINIONSCOPE_ALERT_URLS=f"{receiver.alert_url}?rto=300&cto=300",
        OPINIONSCOPE_PING_URL=receiver.url,
        **machine(tmp_path / "machine", IMPATIENT),
    )
    assert result.returncode == 78
    assert result.stderr.count("\n") == 1
    assert "OPINION_TRADE_API_KEY is missing" in result.stderr
    assert command.query("SELECT last_error FROM deliveries ORDER BY channel") == [
        ("json://… did not answer in time",),
        ("no answer in time",),
    ]


def test_wrong_settings_are_told_by_the_real_command(command: CommandLine, receiver: Receiver) -> None:
    result = command("sync", "markets", OPINIONSCOPE_ALERT_URLS=receiver.alert_url, OPINIONSCOPE_RATE_LIMIT="fast")
    assert result.returncode == 78
    assert receiver.titles == ["opinionscope: `sync markets` is failing"]
    assert "OPINIONSCOPE_RATE_LIMIT" in receiver.received[0].message


def break_database(jobs: Jobs) -> None:
    for file in jobs.database.parent.glob("opinionscope.db*"):
        if not file.name.endswith(("lock", "outage")):
            file.unlink()
    jobs.database.write_bytes(b"this is no database" * 1000)


def test_a_database_that_fails_is_told_once_in_six_hours_and_once_when_it_works_again(
    alerted: Jobs, receiver: Receiver
) -> None:
    alerted.run(well)
    break_database(alerted)
    for minute in range(2 * 60):
        alerted.run(broken, ("whales", "markets")[minute % 2], seconds=0)
        alerted.minutes_later()
    assert receiver.titles == ["opinionscope: the database cannot be used"]
    assert "is not a SQLite database" in receiver.received[0].message

    alerted.minutes_later(6 * 60)
    run_each_minute(alerted, broken, broken)
    assert receiver.titles == ["opinionscope: the database cannot be used"] * 2

    alerted.database.unlink()
    run_each_minute(alerted, well, well)
    assert receiver.titles[2:] == ["opinionscope: the database works again"]
    assert "an outage of 8 h 2 min" in receiver.received[2].message
    assert not any(place.exists() for place in candidate_paths(alerted.database))


def test_a_folder_that_cannot_be_written_does_not_keep_the_alert_from_being_remembered(
    alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    alerted.database = blocked / "opinionscope.db"
    run_each_minute(alerted, *[well] * 8)
    assert receiver.titles == ["opinionscope: the database cannot be used"]
    assert [file.suffix for file in tmp_path.iterdir() if file.name.startswith("opinionscope-")] == [".outage"]


def test_an_outage_file_of_somebody_else_is_not_believed(alerted: Jobs, receiver: Receiver, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("{}")
    os.symlink(target, candidate_paths(alerted.database)[0])
    break_database(alerted)
    run_each_minute(alerted, broken, broken, broken)
    assert receiver.titles == ["opinionscope: the database cannot be used"]
    assert target.read_text() == "{}"
    for place in candidate_paths(alerted.database)[1:]:
        place.unlink(missing_ok=True)
