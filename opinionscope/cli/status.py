"""Command `status`: the whole on one screen, and an exit status for whoever watches the watcher."""

from datetime import datetime
from typing import TYPE_CHECKING

import typer

from opinionscope.cli.options import AsJson, Database
from opinionscope.cli.tables import Column, age, count, counted, print_facts, print_json, print_table, write
from opinionscope.errors import ConfigurationError, ExitStatus
from opinionscope.locations import database_path
from opinionscope.text import one_line
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.monitor.health import JobHealth
    from opinionscope.monitor.report import Requests, Status, Wallets
    from opinionscope.settings import Settings
    from opinionscope.store.alerts import Delivered


def status(as_json: AsJson = False, db: Database = None) -> None:
    """Show the state of the jobs. Ends with 1 if one of them is overdue, failing or has never run."""
    from opinionscope.monitor.report import read_status
    from opinionscope.store.database import Store

    settings = _settings()
    now = utc_now()
    with Store.open_existing(database_path(db)) as store:
        report = read_status(store, now, settings.rate_limit)
    if as_json:
        print_json(report.as_document())
    else:
        print_status(report, settings, now)
    if not report.healthy:
        raise typer.Exit(ExitStatus.FAILED)


def print_status(report: "Status", settings: "Settings", now: datetime) -> None:
    """The screen. Times are ages; what is wrong is said below the table, with what to do."""
    from opinionscope.cli.chart import print_chart

    ill = [job for job in report.jobs if not job.healthy]
    verdict = f"{', '.join(job.job for job in ill)}: see below" if ill else "all jobs are well"
    write(f"opinionscope, {now:%Y-%m-%d %H:%M:%S} UTC: {verdict}\n\n")
    _print_jobs(report.jobs, now)
    if ill:
        write("\n")
        print_facts((job.job, job.problem) for job in ill)
    write("\n")
    print_facts(
        [
            ("requests", _requests(report.requests)),
            ("wallets", _wallets(report.wallets)),
            ("database", f"{_size(report.size)} in {one_line(str(report.path), 1_000)}"),
            ("alerts", _delivered(report.alerts, now, is_set=settings.alert_urls is not None)),
            ("pings", _delivered(report.pings, now, is_set=settings.ping_url is not None)),
        ]
    )
    write("\n")
    print_chart(report.hours, now)


def _print_jobs(jobs: "list[JobHealth]", now: datetime) -> None:
    columns = [
        Column("Job", lambda job: job.job),
        Column("Last run", lambda job: age(job.last_started_at, now) or "never"),
        Column("Status", lambda job: job.last_status, style=_status_style),
        Column("Last success", lambda job: age(job.last_success_at, now) or "never"),
        Column("Failures", lambda job: count(job.failures_in_a_row), right=True, style=_failures_style),
        Column("Typical", lambda job: _seconds(job.typical_seconds), right=True, rank=1),
        Column("Due", lambda job: "OVERDUE" if job.overdue else "in time", style=_due_style),
    ]
    print_table(columns, jobs, nothing="There is no job.")


def _status_style(job: "JobHealth") -> str:
    from opinionscope.cli.logs import STATUS_STYLES

    return STATUS_STYLES.get(job.last_status or "", "")


def _failures_style(job: "JobHealth") -> str:
    return "red" if job.failures_in_a_row else ""


def _due_style(job: "JobHealth") -> str:
    return "bold red" if job.overdue else ""


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.1f} s"


def _requests(requests: "Requests") -> str:
    slowed = requests.allowed_per_second < requests.limit_per_second
    pace = f", slowed down to {requests.allowed_per_second:g}/s" if slowed else ""
    return (
        f"{requests.last_minute:,} in the last minute, {requests.last_hour:,} in the last hour; "
        f"429s: {requests.throttled_last_minute:,} and {requests.throttled_last_hour:,}; "
        f"limit {requests.limit_per_second:g}/s ({requests.limit_per_second * 60:,.0f} a minute){pace}"
    )


def _wallets(wallets: "Wallets") -> str:
    if not wallets.tracked:
        return "none is tracked: add one with `opinionscope whales add ADDRESS`"
    behind = f" (by {counted(wallets.missing_trades, 'trade')})" if wallets.behind else ""
    errors = f"; {wallets.with_an_error:,} with an error" if wallets.with_an_error else ""
    return (
        f"{wallets.tracked:,} tracked: {wallets.complete:,} complete, {wallets.catching_up:,} catching up, "
        f"{wallets.behind:,} behind{behind}{errors}"
    )


def _delivered(delivered: "Delivered", now: datetime, *, is_set: bool) -> str:
    if not is_set:
        return "off"
    last = f"last sent {age(delivered.last_sent_at, now)}" if delivered.last_sent_at else "none sent yet"
    return f"{last}; the last attempt had a problem: {delivered.last_error}" if delivered.last_error else last


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1_000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:,.1f} GB"


def _settings() -> "Settings":
    """The settings, or the defaults where they are wrong: the jobs say so, and this must show that they do."""
    from opinionscope.settings import Settings

    try:
        return Settings.load()
    except ConfigurationError:
        return Settings.model_validate({})
