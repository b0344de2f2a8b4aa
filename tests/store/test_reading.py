"""A database is opened to be looked at while the jobs of its owner begin and end."""

from pathlib import Path

import pytest

from opinionscope.store import database, reading
from opinionscope.store.database import Store


def test_a_job_that_ends_at_that_moment_is_no_error_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.db"
    Store.open(path).close()
    monkeypatch.setattr(reading, "belongs_to_us", lambda _: False)
    as_a_moment_ago = iter([f"{path.as_uri()}?mode=ro&readonly_shm=1"])
    monkeypatch.setattr(database, "reading_uri", lambda _: next(as_a_moment_ago, None) or reading.reading_uri(path))
    with Store.open_to_read(path) as store:
        assert store.value("SELECT count(*) FROM whales") == 0
    assert list(tmp_path.glob("o.db-*")) == []
