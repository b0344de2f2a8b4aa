"""Space: what deleted rows leave free is given back to the disk, as much of it as was asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opinionscope.store.database import Store
from opinionscope.store.disk_space import (
    checkpoint,
    file_bytes,
    free_pages,
    give_back_pages,
    stop_automatic_checkpoints,
)


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Store]:
    """A database that once held more than it does."""
    with Store.open(tmp_path / "emptied.db") as store:
        with store.transaction() as connection:
            connection.executemany(
                "INSERT INTO request_minutes (minute, requests, throttled) VALUES (?, 0, 0)",
                [(f"{number:0500}",) for number in range(500)],
            )
        with store.transaction() as connection:
            connection.execute("DELETE FROM request_minutes")
        yield store


def test_a_step_gives_back_as_many_pages_as_it_was_asked_for(emptied: Store) -> None:
    free = free_pages(emptied)

    assert give_back_pages(emptied, 10) == 10
    assert free_pages(emptied) == free - 10
    assert give_back_pages(emptied, 10_000) == free - 10
    assert give_back_pages(emptied, 10) == 0


def test_the_file_is_shorter_once_the_log_has_been_written_back(emptied: Store) -> None:
    checkpoint(emptied)
    before = emptied.path.stat().st_size

    stop_automatic_checkpoints(emptied)
    give_back_pages(emptied, 10_000)
    assert emptied.path.stat().st_size == before
    checkpoint(emptied)

    assert emptied.path.stat().st_size < before / 2
    assert file_bytes(emptied) > emptied.path.stat().st_size
