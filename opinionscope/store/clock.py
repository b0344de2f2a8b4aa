"""What the database knows about the time: the exchange's own, and dates that this machine's clock cannot have meant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from opinionscope.records import Millis, Record
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rows import StoredRow, select_first
from opinionscope.times import from_text, to_millis_text, to_seconds_text

RECENT = timedelta(days=2)
"""How long an answer of the exchange says something about the clock."""
TOLERANCE = timedelta(minutes=1)
"""How much later than now a date may be before it counts as wrong: clocks are set back by seconds now and then."""


@dataclass(frozen=True)
class ExchangeTime(StoredRow):
    """The time by the `Date` of the exchange's last answer, and by this machine's clock at the same moment."""

    TABLE: ClassVar[str] = "exchange_clock"

    exchange_at: Millis
    machine_at: Millis

    @property
    def ahead(self) -> timedelta:
        """By how much this machine's clock was ahead of the exchange's."""
        return self.machine_at - self.exchange_at


@dataclass(frozen=True)
class FutureRuns(Record):
    """Runs that the log dates later than now, because the clock was ahead when they began: how many, the latest."""

    count: int
    latest: Millis | None


def record_exchange_time(transaction: Transaction, clock: ExchangeTime) -> None:
    """Remember what the exchange said the time was."""
    transaction.execute(
        "INSERT OR REPLACE INTO exchange_clock (id, exchange_at, machine_at) VALUES (1, ?, ?)",
        (to_millis_text(clock.exchange_at), to_millis_text(clock.machine_at)),
    )


def find_exchange_time(store: Store) -> ExchangeTime | None:
    """What the exchange last said the time was."""
    return select_first(store, ExchangeTime, "")


def less_what_it_is_ahead(now: datetime, clock: ExchangeTime | None) -> datetime:
    """`now`, less what this machine's clock was ahead of the exchange's at an answer in the last two days.

    A clock that has been set back since that answer is taken as it is.
    """
    if clock is None or not timedelta(0) <= now - clock.machine_at <= RECENT:
        return now
    return now - max(clock.ahead, timedelta(0))


def find_future_runs(store: Store, now: datetime) -> FutureRuns:
    """The runs that are dated later than now."""
    count, latest = store.query(
        "SELECT count(*), max(started_at) FROM sync_logs WHERE started_at > ?", (to_millis_text(now + TOLERANCE),)
    )[0]
    return FutureRuns(count, None if latest is None else from_text(latest))


def newest_trade_before(store: Store, now: datetime) -> datetime | None:
    """When the newest stored trade happened, of those not later than now. Trades are dated by the exchange."""
    found = store.value("SELECT max(timestamp) FROM whale_activity WHERE timestamp <= ?", (to_seconds_text(now),))
    return None if found is None else from_text(found)


def newest_run_before(store: Store, now: datetime) -> datetime | None:
    """The latest date in the log that is earlier than now."""
    found = store.value("SELECT max(started_at) FROM sync_logs WHERE started_at < ?", (to_millis_text(now),))
    return None if found is None else from_text(found)


def longest_gap(store: Store, start: datetime, now: datetime) -> timedelta:
    """The longest time between two runs that follow each other by date, from `start` up to now."""
    days = store.value(
        "SELECT max(day - before) FROM (SELECT day, lag(day) OVER (ORDER BY day) AS before FROM ("
        "SELECT julianday(:start) AS day UNION ALL SELECT julianday(:now) UNION ALL "
        "SELECT julianday(started_at) FROM sync_logs WHERE started_at > :start AND started_at < :now))",
        {"start": to_millis_text(start), "now": to_millis_text(now)},
    )
    return timedelta(days=days or 0.0)
