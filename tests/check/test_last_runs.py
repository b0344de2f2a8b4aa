"""What `check` says of the last runs."""

from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.check.finding import Level
from opinionscope.check.last_runs import check_last_runs
from opinionscope.store.database import Store
from opinionscope.store.schedule import record_installation
from opinionscope.times import utc_now


@pytest.mark.parametrize(
    ("installed_hours_ago", "level", "words"),
    [(None, Level.WARNING, "positions never"), (0, Level.OK, "positions not yet due"), (30, Level.WARNING, "never")],
)
def test_a_job_that_has_never_run_is_a_warning_unless_it_was_scheduled_just_now(
    tmp_path: Path, installed_hours_ago: int | None, level: Level, words: str
) -> None:
    now = utc_now()
    with Store.open(tmp_path / "o.db") as store:
        if installed_hours_ago is not None:
            record_installation(store, now - timedelta(hours=installed_hours_ago))

    (found,) = check_last_runs(tmp_path / "o.db", now)

    assert (found.level, words in found.text) == (level, True)
