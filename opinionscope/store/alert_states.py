"""The `alert_states` table: the outage of each job that somebody has been told of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from opinionscope.records import Millis
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, select_first
from opinionscope.times import from_text


@dataclass(frozen=True)
class AlertState(StoredRow):
    """An outage that somebody has been told of, or should have been. All times are aware, UTC.

    `alerted_at` is when the alert was accepted, `recovered_at` when the outage ended (kept only until somebody accepts
    the news), `refused_at` when the last attempt to send a message failed.
    """

    TABLE: ClassVar[str] = "alert_states"

    failing_since: Millis
    alerted_at: Millis | None = None
    recovered_at: Millis | None = None
    refused_at: Millis | None = None


def find_alert_state(store: Store, job: str) -> AlertState | None:
    """The outage of a job; None if there is none to remember."""
    return select_first(store, AlertState, "WHERE job = ?", (job,))


def save_alert_state(store: Store, job: str, state: AlertState | None) -> None:
    """Remember the outage of a job, or forget it (None)."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM alert_states WHERE job = ?", (job,))
        if state is not None:
            connection.execute(
                "INSERT INTO alert_states (job, failing_since, alerted_at, recovered_at, refused_at) "
                "VALUES (:job, :failing_since, :alerted_at, :recovered_at, :refused_at)",
                {"job": job, **state.as_document()},
            )


def from_texts(texts: Mapping[str, str | None]) -> AlertState:
    """The state from texts by name. Raises ValueError or TypeError if they are not a state."""
    return AlertState(**{name: None if text is None else from_text(text) for name, text in texts.items()})  # type: ignore[arg-type]
