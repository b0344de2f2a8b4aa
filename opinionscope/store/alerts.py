"""What operators have been told: the alarm of each job, and how the last alert and the last ping were delivered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from opinionscope.store.database import Store
from opinionscope.times import from_text, to_millis_text

Channel = Literal["alert", "ping"]


@dataclass(frozen=True)
class AlertState:
    """An outage that somebody has been told of, or should have been. All times are aware UTC.

    `alerted_at` is when the alert was accepted, `recovered_at` when the outage ended (kept only while nobody has
    accepted the news), `refused_at` when the last attempt to say something failed.
    """

    failing_since: datetime
    alerted_at: datetime | None = None
    recovered_at: datetime | None = None
    refused_at: datetime | None = None


@dataclass(frozen=True)
class Delivered:
    """The last thing that a channel accepted, and what went wrong at the last attempt (None: nothing)."""

    last_sent_at: str | None = None
    last_error: str | None = None


def find_alert(store: Store, job: str) -> AlertState | None:
    """The alarm of a job; None where all is well."""
    columns = ", ".join(AlertState.__dataclass_fields__)
    rows = store.query(f"SELECT {columns} FROM alert_states WHERE job = ?", (job,))  # noqa: S608
    return from_columns(dict(rows[0])) if rows else None


def save_alert(store: Store, job: str, state: AlertState | None) -> None:
    """Keep the alarm of a job, or forget it (None)."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM alert_states WHERE job = ?", (job,))
        if state is not None:
            connection.execute(
                "INSERT INTO alert_states (job, failing_since, alerted_at, recovered_at, refused_at) "
                "VALUES (:job, :failing_since, :alerted_at, :recovered_at, :refused_at)",
                {"job": job, **to_columns(state)},
            )


def from_columns(columns: dict[str, str | None]) -> AlertState:
    """The state from texts by name. Raises ValueError or TypeError where they are none."""
    return AlertState(**{name: None if text is None else from_text(text) for name, text in columns.items()})  # type: ignore[arg-type]


def to_columns(state: AlertState) -> dict[str, str | None]:
    """The state as texts by name."""
    return {name: None if moment is None else to_millis_text(moment) for name, moment in vars(state).items()}


def record_delivery(store: Store, channel: Channel, now: datetime, *, sent: bool, error: str | None) -> None:
    """Note an attempt: whether anybody accepted it, and what went wrong."""
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO deliveries (channel, last_sent_at, last_error) VALUES (?, ?, ?) "
            "ON CONFLICT (channel) DO UPDATE SET last_sent_at = ifnull(excluded.last_sent_at, last_sent_at), "
            "last_error = excluded.last_error",
            (channel, to_millis_text(now) if sent else None, error),
        )


def find_delivery(store: Store, channel: Channel) -> Delivered:
    """How the last attempt on a channel went."""
    rows = store.query("SELECT last_sent_at, last_error FROM deliveries WHERE channel = ?", (channel,))
    return Delivered(*rows[0]) if rows else Delivered()
