"""The `schedule` table: since when the jobs can be expected to run."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from opinionscope.records import Millis
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, select_first
from opinionscope.times import to_millis_text


@dataclass(frozen=True)
class ScheduleDates(StoredRow):
    """When the database was first used, and when `crontab install` last wrote the schedule (None: never)."""

    TABLE: ClassVar[str] = "schedule"

    first_used_at: Millis
    installed_at: Millis | None


def find_schedule_dates(store: Store) -> ScheduleDates | None:
    """Since when the jobs can be expected to run."""
    return select_first(store, ScheduleDates, "")


def record_installation(store: Store, now: datetime) -> None:
    """The schedule has just been installed."""
    with store.transaction() as connection:
        connection.execute("UPDATE schedule SET installed_at = ?", (to_millis_text(now),))
