"""The steps of a cleanup: neither too long nor without end; beside a long reader, it waits and fills no disk."""

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
from opinionscope.store.disk_space import give_back_pages

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
OLD_RUNS = 40


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A database with runs that are past their time, to be purged in several steps and with a short log."""
    monkeypatch.setattr(cleanup, "_FIRST_STEP", 10)
    monkeypatch.setattr(cleanup, "_SMALLEST_STEP", 10)
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

    with pytest.raises(StoreError, match="close that program"):
        clean_up(store)
    assert 0 < store.value("SELECT count(*) FROM sync_logs") < OLD_RUNS

    reader.execute("COMMIT")
    clean_up(store)
    assert store.value("SELECT count(*) FROM sync_logs") == 0


@pytest.mark.parametrize(
    ("seconds_a_row", "fixed", "settled"), [(0.00001, 0.0, 3_000), (0.0001, 0.0, 300), (0.0001, 1.0, 100)]
)
def test_steps_grow_and_shrink_with_what_they_take_but_never_so_far_that_there_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_a_row: float, fixed: float, settled: int
) -> None:
    now, sizes, left = [0.0], list[int](), [50_000]

    def work(size: int) -> int:
        now[0] += fixed + size * seconds_a_row
        sizes.append(size)
        done = min(size, left[0])
        left[0] -= done
        return done

    monkeypatch.setattr(cleanup, "time", SimpleNamespace(sleep=lambda seconds: None, monotonic=lambda: now[0]))
    with Store.open(tmp_path / "o.db") as store:
        assert sum(cleanup._in_steps(store, work)) == 50_000

    assert sizes[-1] == pytest.approx(settled, rel=0.01)


def test_space_is_given_back_to_the_end_beside_a_writer_that_frees_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "o.db") as store:
        fill_and_empty(store, range(2_000))
        fill(store, range(2_000, 2_400))
        rest = list(range(2_000, 2_400))

        def beside_a_writer(store: Store, pages: int) -> int:
            with store.transaction() as connection:
                for number in rest[-40:]:
                    connection.execute("DELETE FROM request_minutes WHERE minute = ?", (f"{number:0900}",))
            del rest[-40:]
            return give_back_pages(store, pages) - 1

        monkeypatch.setattr(cleanup, "_FIRST_STEP", 20)
        monkeypatch.setattr(cleanup, "_LARGEST_STEP", 20)
        monkeypatch.setattr(cleanup, "_SMALLEST_STEP", 20)
        monkeypatch.setattr(cleanup, "give_back_pages", beside_a_writer)
        clean_up(store)

        assert store.value("PRAGMA freelist_count") == 0


def fill(store: Store, numbers: range) -> None:
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO request_minutes (minute, requests, throttled) VALUES (?, 0, 0)",
            [(f"{number:0900}",) for number in numbers],
        )


def fill_and_empty(store: Store, numbers: range) -> None:
    fill(store, numbers)
    with store.transaction() as connection:
        connection.execute("DELETE FROM request_minutes")
