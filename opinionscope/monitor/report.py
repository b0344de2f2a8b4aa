"""Everything that `status` shows, collected."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opinionscope.errors import StoreError
from opinionscope.locks import beside
from opinionscope.monitor.health import JobHealth, count_requests, judge
from opinionscope.store.alerts import Delivered, find_delivery
from opinionscope.store.completeness import completeness
from opinionscope.store.database import Row, Store
from opinionscope.store.health import minutes_since, outcomes_by_hour, read_history, runs_with_requests
from opinionscope.store.space import file_bytes
from opinionscope.store.sync_logs import JOBS
from opinionscope.store.whales import find_whales

CHART_HOURS = 24
_LONGEST_RUN = timedelta(minutes=15)

Minutes = dict[datetime, tuple[int, int]]


@dataclass(frozen=True)
class Requests:
    """Requests and 429 answers of all processes together. `allowed_per_second` is less than the limit after a 429."""

    last_minute: int
    last_hour: int
    throttled_last_minute: int
    throttled_last_hour: int
    limit_per_second: float
    allowed_per_second: float


@dataclass(frozen=True)
class Wallets:
    """The tracked wallets by how complete their history is; `missing_trades` is by how much those behind are behind."""

    tracked: int
    complete: int
    catching_up: int
    behind: int
    missing_trades: int
    with_an_error: int


@dataclass(frozen=True)
class Status:
    """The state of the whole at a moment. `hours` counts runs by the hour in which they began, and by status."""

    jobs: list[JobHealth]
    requests: Requests
    wallets: Wallets
    path: Path
    size: int
    alerts: Delivered
    pings: Delivered
    hours: dict[tuple[datetime, str], int]

    @property
    def healthy(self) -> bool:
        """Whether no job is failing, overdue or missing."""
        return all(job.healthy for job in self.jobs)

    def as_document(self) -> dict[str, Any]:
        """The document of `status --json`."""
        return {
            "healthy": self.healthy,
            "jobs": [asdict(job) for job in self.jobs],
            "requests": asdict(self.requests),
            "wallets": asdict(self.wallets),
            "database": {"path": str(self.path), "bytes": self.size},
            "alerts": asdict(self.alerts),
            "pings": asdict(self.pings),
        }


def read_status(store: Store, now: datetime, limit: float) -> Status:
    """The state of the whole at `now`. `limit` is the setting, in requests a second."""
    return Status(
        jobs=[judge(read_history(store, job), now) for job in JOBS],
        requests=_count_requests(store, now, limit),
        wallets=_count_wallets(find_whales(store)),
        path=store.path,
        size=file_bytes(store),
        alerts=find_delivery(store, "alert"),
        pings=find_delivery(store, "ping"),
        hours=outcomes_by_hour(store, first_hour(now)),
    )


def first_hour(now: datetime) -> datetime:
    """The first hour of the chart."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=CHART_HOURS - 1)


def _count_requests(store: Store, now: datetime, limit: float) -> Requests:
    live, allowed = _ask_pacer(store.path, limit)
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=59)
    minutes = minutes_since(store, since) | {minute: counts for minute, counts in live.items() if minute >= since}
    runs = runs_with_requests(store, since - _LONGEST_RUN)
    sent = count_requests(runs, {minute: counts[0] for minute, counts in minutes.items()}, "request_count", now)
    refused = count_requests(runs, {minute: counts[1] for minute, counts in minutes.items()}, "throttled_count", now)
    return Requests(
        last_minute=sent[0],
        last_hour=sent[1],
        throttled_last_minute=refused[0],
        throttled_last_hour=refused[1],
        limit_per_second=limit,
        allowed_per_second=round(allowed, 2),
    )


def _ask_pacer(database: Path, limit: float) -> tuple[Minutes, float]:
    """What has not reached the database yet: the counts of the run under way, and the rate allowed at this moment."""
    path = beside(database, "pacer")
    if not path.exists():
        return {}, limit
    from opinionscope.api.pacer import Pacer

    # Whoever may only read the database sees the counts up to the last run that ended.
    with suppress(StoreError):
        pacer = Pacer(path, limit)
        try:
            return pacer.minutes(), pacer.current_rate()
        finally:
            pacer.close()
    return {}, limit


def _count_wallets(whales: Iterable[Row]) -> Wallets:
    rows = list(whales)
    judged = [completeness(row) for row in rows]
    words = [judgement.word for judgement in judged]
    return Wallets(
        tracked=len(rows),
        complete=words.count("complete"),
        catching_up=words.count("catching up"),
        behind=words.count("behind"),
        missing_trades=sum(judgement.missing for judgement in judged if judgement.word == "behind"),
        with_an_error=sum(row["last_error"] is not None for row in rows),
    )
