"""Everything that `status` shows, collected."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opinionscope.api.pacer import Pacer
from opinionscope.errors import StoreError
from opinionscope.health.delay import Delay, judge_delay
from opinionscope.health.polling import Polling, read_polling
from opinionscope.health.rules import JobHealth, count_requests, judge
from opinionscope.health.sources import SourceHealth, judge_source
from opinionscope.job_table import JOBS
from opinionscope.locks import PACER, beside
from opinionscope.polling.limits import Limits
from opinionscope.records import INTERNAL, Millis, Record
from opinionscope.settings import Settings
from opinionscope.store.clock import TOLERANCE, find_exchange_time, find_future_runs
from opinionscope.store.database import Store
from opinionscope.store.delays import find_delays
from opinionscope.store.deliveries import LastDelivery, find_delivery
from opinionscope.store.disk_space import file_bytes
from opinionscope.store.merged_databases import find_sources
from opinionscope.store.merged_wallets import count_unpolled
from opinionscope.store.position_checks import CheckedPositions, count_checked_positions
from opinionscope.store.request_minutes import Minutes, minutes_since
from opinionscope.store.run_history import outcomes_by_hour, read_history, runs_with_requests
from opinionscope.store.shards import count_elsewhere, find_shard
from opinionscope.store.signal_deliveries import TargetState, count_signals, find_failing_targets
from opinionscope.store.whales import Whale, find_whales
from opinionscope.times import from_text

CHART_HOURS = 24
_CAUSES = 3
_LONGEST_RUN = timedelta(minutes=15)
_LONGEST_FAILURE = timedelta(hours=1)


@dataclass(frozen=True)
class Requests(Record):
    """Requests and 429 answers of all processes together. After a 429, less than the limit is allowed for a while.

    `limit_per_second` and `allowed_per_second` are those of all `keys` together.
    """

    last_minute: int
    last_hour: int
    throttled_last_minute: int
    throttled_last_hour: int
    limit_per_second: float
    allowed_per_second: float
    keys: int


@dataclass(frozen=True)
class Wallets(Record):
    """The wallets tracked here by completeness; other shards poll those `elsewhere`.

    `missing_trades` is what those behind lack together. `causes` are the commonest reasons why the last poll of a
    wallet failed, each with how many wallets it struck.
    """

    tracked: int
    elsewhere: int
    complete: int
    catching_up: int
    behind: int
    ahead: int
    missing_trades: int
    with_an_error: int
    causes: list[str]


@dataclass(frozen=True)
class Positions(Record):
    """What the checks of the tracked wallets' positions found.

    `checked_at` is when the last wallet was checked, None before the first. `disagreeing` counts the wallets of which
    the exchange has listed other shares than their trades add up to, twice in a row and without an explanation;
    `disagreeing_positions` how many positions those are. `with_an_error` counts the wallets whose last check failed, or
    left something open.
    """

    checked_at: Millis | None
    disagreeing: int
    disagreeing_positions: int
    with_an_error: int


@dataclass(frozen=True)
class DatabaseFile(Record):
    """The database: where it is, and its size with its write-ahead log."""

    path: Path
    bytes: int


@dataclass(frozen=True)
class Clock(Record):
    """This machine's clock: by how many seconds it was ahead of the exchange's when that last answered (`compared_at`).

    Both are None if they were never compared, or the clock has been set back since. `future_runs` are dated later than
    now, because the clock was ahead when they began; `latest_run` is the latest date among them.
    """

    ahead_seconds: float | None
    compared_at: Millis | None
    future_runs: int
    latest_run: Millis | None


@dataclass(frozen=True)
class Signals(Record):
    """Signals that wait and that could not be told, and the targets that have been failing for an hour or longer."""

    pending: int
    failed_24h: int
    failing_targets: list[TargetState]


@dataclass(frozen=True)
class Status(Record):
    """The state of everything at a moment. `hours` counts runs by the hour in which they began, and by status.

    `settings_error` says why the jobs refuse the settings, None if they do not. `shard` is the part of the wallets that
    this installation polls, such as 2/8; None for all. A merged database has `sources` instead of jobs, and no plan of
    polling; `unpolled` are its tracked wallets that no source polls.
    """

    jobs: list[JobHealth]
    requests: Requests
    wallets: Wallets
    positions: Positions
    database: DatabaseFile
    alerts: LastDelivery
    pings: LastDelivery
    clock: Clock
    delay: Delay
    signals: Signals
    polling: Polling | None
    shard: str | None
    settings_error: str | None
    sources: list[SourceHealth]
    unpolled: int
    hours: dict[tuple[datetime, str], int] = field(metadata=INTERNAL)

    @property
    def healthy(self) -> bool:
        """Whether no job is failing, overdue or missing, the settings are valid, and every target can be told.

        Of a merged database, whether that is so of the jobs of all sources, and every wallet is polled by one.
        """
        return not self.problems

    @property
    def verdict(self) -> str:
        """The state in one line: `2 problems: markets failing for 12 min (HTTP 503), cleanup overdue`."""
        if not self.problems:
            return "all sources are healthy" if self.sources else "all jobs are healthy"
        word = "problem" if len(self.problems) == 1 else "problems"
        return f"{len(self.problems)} {word}: {', '.join(self.problems)}"

    @property
    def problems(self) -> list[str]:
        """What is wrong, each in a few words."""
        problems = ["settings wrong"] if self.settings_error else []
        problems += [job.summary or job.job for job in self.jobs if not job.healthy]
        problems += [f"{source.label}: {source.summary}" for source in self.sources if not source.healthy]
        problems += [f"{_wallets(self.unpolled)} in no source"] if self.unpolled else []
        return problems + [f"target {target.target} failing" for target in self.signals.failing_targets]

    def as_document(self) -> dict[str, Any]:
        """The document of `status --json`."""
        return {"healthy": self.healthy} | super().as_document()


def read_status(store: Store, now: datetime, settings: Settings, *, settings_error: str | None = None) -> Status:
    """The state of everything at `now`."""
    shard = find_shard(store)
    sources = [judge_source(source, now) for source in find_sources(store)]
    return Status(
        jobs=[] if sources else [judge(read_history(store, job, now), now) for job in JOBS],
        requests=_count_requests(store, now, settings.rate_limit, settings.key_digests or ("",)),
        wallets=_count_wallets(find_whales(store), count_elsewhere(store)),
        positions=_count_positions(count_checked_positions(store)),
        database=DatabaseFile(store.path, file_bytes(store)),
        alerts=find_delivery(store, "alert"),
        pings=find_delivery(store, "ping"),
        clock=_judge_clock(store, now),
        delay=judge_delay(find_delays(store, now)),
        signals=_count_signals(store, now),
        polling=None if sources else read_polling(store, now, Limits.of(settings)),
        shard=None if shard is None else str(shard),
        settings_error=settings_error,
        sources=sources,
        unpolled=count_unpolled(store) if sources else 0,
        hours=outcomes_by_hour(store, first_hour(now)),
    )


def first_hour(now: datetime) -> datetime:
    """The first hour of the chart."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=CHART_HOURS - 1)


def _count_signals(store: Store, now: datetime) -> Signals:
    counts = count_signals(store, now - timedelta(days=1))
    return Signals(counts.pending, counts.failed, find_failing_targets(store, now - _LONGEST_FAILURE))


def _count_requests(store: Store, now: datetime, limit: float, keys: Sequence[str]) -> Requests:
    live, allowed = _ask_pacer(store.path, limit, keys)
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=59)
    minutes = minutes_since(store, since) | {minute: counts for minute, counts in live.items() if minute >= since}
    runs = runs_with_requests(store, since - _LONGEST_RUN)
    sent_by_minute = {minute: sent for minute, (sent, _) in minutes.items()}
    throttled_by_minute = {minute: throttled for minute, (_, throttled) in minutes.items()}
    sent = count_requests(runs, sent_by_minute, lambda run: run.request_count, now)
    throttled = count_requests(runs, throttled_by_minute, lambda run: run.throttled_count, now)
    return Requests(
        last_minute=sent[0],
        last_hour=sent[1],
        throttled_last_minute=throttled[0],
        throttled_last_hour=throttled[1],
        limit_per_second=limit * len(keys),
        allowed_per_second=round(allowed, 2),
        keys=len(keys),
    )


def _ask_pacer(database: Path, limit: float, keys: Sequence[str]) -> tuple[Minutes, float]:
    """What has not reached the database yet: the counts of the run under way, and the rate allowed at this moment."""
    path = beside(database, PACER)
    if not path.exists():
        return {}, limit * len(keys)
    # Somebody who may only read the database gets the counts up to the last run that ended.
    with suppress(StoreError):
        pacer = Pacer(path, limit, keys)
        try:
            return pacer.minutes(), pacer.current_rate()
        finally:
            pacer.close()
    return {}, limit * len(keys)


def _judge_clock(store: Store, now: datetime) -> Clock:
    compared, future = find_exchange_time(store), find_future_runs(store, now)
    if compared is None or compared.machine_at > now + TOLERANCE:
        return Clock(None, None, future.count, future.latest)
    return Clock(round(compared.ahead.total_seconds(), 3), compared.exchange_at, future.count, future.latest)


def _count_wallets(whales: Sequence[Whale], elsewhere: int) -> Wallets:
    judged = [whale.completeness for whale in whales]
    words = [completeness.word for completeness in judged]
    return Wallets(
        tracked=len(whales),
        elsewhere=elsewhere,
        complete=words.count("complete"),
        catching_up=words.count("catching up"),
        behind=words.count("behind"),
        ahead=words.count("ahead"),
        missing_trades=sum(completeness.missing for completeness in judged if completeness.word == "behind"),
        with_an_error=sum(whale.last_error is not None for whale in whales),
        causes=_causes(whale.last_error for whale in whales),
    )


def _causes(errors: Iterable[str | None]) -> list[str]:
    """The commonest errors, and how many wallets have others."""
    counts = Counter(error for error in errors if error is not None)
    shown = counts.most_common(_CAUSES)
    others = counts.total() - sum(number for _, number in shown)
    rest = [f"other reasons: {_wallets(others)}"] if others else []
    return [f"{error}: {_wallets(number)}" for error, number in shown] + rest


def _wallets(number: int) -> str:
    return f"{number:,} {'wallet' if number == 1 else 'wallets'}"


def _count_positions(checked: CheckedPositions) -> Positions:
    return Positions(
        checked_at=None if checked.checked_at is None else from_text(checked.checked_at),
        disagreeing=checked.wallets,
        disagreeing_positions=checked.positions,
        with_an_error=checked.failed,
    )
