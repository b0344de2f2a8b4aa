"""A cleanup beside somebody who reads for long, such as a backup: it waits for him instead of filling the disk."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from opinionscope.errors import StoreError
from opinionscope.jobs import cleanup
from opinionscope.jobs.result import JobResult
from opinionscope.store.database import Store

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
OLD_RUNS = 40


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A database with runs that are past their time, to be purged in several steps and with a short log."""
    monkeypatch.setattr(cleanup, "_FIRST_STEP", 10)
    monkeypatch.setattr(cleanup, "_LARGEST_STEP", 10)
    monkeypatch.setattr(cleanup, "_LONGEST_LOG", 0)
    with Store.open(tmp_path / "o.db") as store:
        with store.transaction() as connection:
            connection.executemany(
                "INSERT INTO sync_logs (type, status, started_at) VALUES ('whales', 'failed', ?)",
                [("2025-01-01T00:00:00.000Z",)] * OLD_RUNS,
            )
        yield store


@pytest.fixture
def reader(store: Store) -> Iterator[sqlite3.Connection]:
    """Somebody in the middle of reading the database."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sync_logs").fetchone()
        yield connection


def clean_up(store: Store) -> JobResult:
    return cleanup.clean_up(store, now=NOW, retention=timedelta(90), log_retention=timedelta(90))


def test_it_goes_on_when_the_reader_is_done(
    store: Store, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds == cleanup._WAIT_SECONDS:
            waits.append(seconds)
            if len(waits) == 3:
                reader.execute("COMMIT")

    monkeypatch.setattr(cleanup, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))

    assert clean_up(store).item_count == OLD_RUNS
    assert len(waits) == 3


def test_it_fails_in_words_that_say_why_when_the_reader_never_is(
    store: Store, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_LONGEST_WAIT_SECONDS", 0.0)

    with pytest.raises(StoreError, match="end what reads it"):
        clean_up(store)
    assert 0 < store.value("SELECT count(*) FROM sync_logs") < OLD_RUNS

    reader.execute("COMMIT")
    clean_up(store)
    assert store.value("SELECT count(*) FROM sync_logs") == 0
