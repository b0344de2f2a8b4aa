"""The screen of `status`."""

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from opinionscope.cli.delays import expected, measured, plan
from opinionscope.cli.output.chart import print_chart
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import age, count, counted, file_size, moment, seconds
from opinionscope.cli.output.styles import STATUS_STYLES
from opinionscope.cli.output.tables import Fact, print_facts, print_table
from opinionscope.cli.output.terminal import console, render, write
from opinionscope.health.report import Clock, Positions, Requests, Signals, Status, Wallets, first_hour
from opinionscope.health.rules import JobHealth
from opinionscope.health.sources import SourceHealth
from opinionscope.settings import Settings
from opinionscope.store.deliveries import LastDelivery
from opinionscope.store.signal_deliveries import TargetState
from opinionscope.text import one_line

_LONGEST_PATH = 1_000
_LONGEST_VERDICT = 1_000
_SKEW_TO_NAME = 60.0


def print_status(report: Status, settings: Settings, now: datetime) -> None:
    """The screen. Times are ages; below the table, each problem with what to do about it."""
    problems = {job.job: job.problem for job in report.jobs if not job.healthy}
    if report.settings_error:
        problems = {"settings": report.settings_error, **problems}
    problems |= {
        one_line(source.label, _LONGEST_PATH): "; ".join(source.problems)
        for source in report.sources
        if not source.healthy
    }
    problems |= {f"target {target.target}": _failing(target) for target in report.signals.failing_targets}
    style = "bold green" if report.healthy else "bold red"
    render(Text(one_line(report.verdict, _LONGEST_VERDICT), style=style), console())
    write(f"opinionscope, {now:%Y-%m-%d %H:%M:%S} UTC\n\n")
    if report.sources:
        _print_sources(report.sources, now)
    else:
        _print_jobs(report.jobs, now)
    notes = problems | {job.job: f"slow: {job.slow}" for job in report.jobs if job.healthy and job.slow}
    if notes:
        write("\n")
        print_facts(notes.items())
    write("\n")
    print_facts(_merged_facts(report) if report.sources else _facts(report, settings, now))
    if report.sources:
        return
    write("\n")
    print_chart(report.hours, first_hour(now))


def _facts(report: Status, settings: Settings, now: datetime) -> list[Fact]:
    return [
        ("requests", _requests(report.requests)),
        ("wallets", _wallets(report.wallets, report.shard)),
        ("positions", _positions(report.positions, now)),
        ("trade delay", _delay(report)),
        ("polling", plan(report.polling) if report.polling else None),
        ("database", _database(report)),
        ("alerts", _delivery(report.alerts, now, is_set=settings.alert_urls is not None)),
        ("pings", _delivery(report.pings, now, is_set=settings.ping_url is not None)),
        ("signals", _signals(report.signals)),
        ("clock", _clock(report.clock)),
    ]


def _merged_facts(report: Status) -> list[Fact]:
    """What there is to say of a database on which no job runs."""
    return [
        ("wallets", _wallets(report.wallets, report.shard)),
        ("database", _database(report)),
        ("signals", _signals(report.signals)),
    ]


def _database(report: Status) -> str:
    return f"{file_size(report.database.bytes)} in {one_line(str(report.database.path), _LONGEST_PATH)}"


def _print_sources(sources: Sequence[SourceHealth], now: datetime) -> None:
    columns = [
        Column("Source", lambda source: one_line(source.path, _LONGEST_PATH), flexible="wrap"),
        Column("Shard", lambda source: f"{source.part}/{source.parts}" if source.part else None, optional=True),
        Column("Wallets", lambda source: count(source.wallets), right=True),
        Column("Merged", lambda source: age(source.merged_at, now) or "never"),
        Column(
            "Jobs",
            lambda source: "healthy" if source.healthy else counted(len(source.problems), "problem"),
            style=lambda source: "" if source.healthy else "bold red",
        ),
    ]
    print_table(columns, sources, nothing="There are no sources.")


def _print_jobs(jobs: Sequence[JobHealth], now: datetime) -> None:
    columns = [
        Column("Job", lambda job: job.job),
        Column("Last run", lambda job: age(job.last_started_at, now) or "never"),
        Column("Status", lambda job: job.last_status, style=lambda job: STATUS_STYLES.get(job.last_status or "", "")),
        Column("Last success", lambda job: age(job.last_success_at, now) or "never", rank=2),
        Column(
            "Failures",
            lambda job: count(job.failures_in_a_row),
            right=True,
            style=lambda job: "red" if job.failures_in_a_row else "",
        ),
        Column("Typical", lambda job: seconds(job.typical_seconds), right=True, rank=1),
        Column(
            "Due",
            _due,
            style=lambda job: "bold red" if job.overdue else "",
        ),
    ]
    print_table(columns, jobs, nothing="There are no jobs.")


def _requests(requests: Requests) -> str:
    slowed = requests.allowed_per_second < requests.limit_per_second
    reason = f" after {requests.throttled_last_hour:,} × 429" if requests.throttled_last_hour else ""
    pace = f", currently slowed to {requests.allowed_per_second:g}/s{reason}" if slowed else ""
    each = f"{requests.keys:,} keys × {requests.limit_per_second / requests.keys:g}/s = " if requests.keys > 1 else ""
    return (
        f"last minute: {requests.last_minute:,} ({requests.throttled_last_minute:,} × 429), "
        f"last hour: {requests.last_hour:,} ({requests.throttled_last_hour:,} × 429); "
        f"limit {each}{requests.limit_per_second:g}/s ({requests.limit_per_second * 60:,.0f}/min){pace}"
    )


def _wallets(wallets: Wallets, shard: str | None) -> str:
    others = "" if shard is None else f" by shard {shard}, {wallets.elsewhere:,} by others"
    if not wallets.tracked and wallets.elsewhere:
        return f"none tracked{others}"
    if not wallets.tracked:
        return "none tracked; add one with `opinionscope whales add ADDRESS`"
    behind = f" ({counted(wallets.missing_trades, 'trade')} missing)" if wallets.behind else ""
    ahead = f", {wallets.ahead:,} ahead" if wallets.ahead else ""
    errors = f"; last poll failed: {'; '.join(wallets.causes)}" if wallets.causes else ""
    return (
        f"{wallets.tracked:,} tracked{others}: {wallets.complete:,} complete, {wallets.catching_up:,} catching up, "
        f"{wallets.behind:,} behind{behind}{ahead}{errors}"
    )


def _positions(positions: Positions, now: datetime) -> str:
    if positions.checked_at is None:
        return "not checked yet"
    errors = f"; last check incomplete for {positions.with_an_error:,}" if positions.with_an_error else ""
    found = "no disagreement"
    if positions.disagreeing:
        found = (
            f"{counted(positions.disagreeing_positions, 'position')} of {counted(positions.disagreeing, 'wallet')} "
            "listed with other shares than the trades add up to"
        )
    return f"checked {age(positions.checked_at, now)}: {found}{errors}"


def _delay(report: Status) -> str:
    plan_says, catching_up = expected(report.polling), report.wallets.catching_up
    if plan_says is None:
        return measured(report.delay)
    longer = (
        f", longer while {counted(catching_up, 'wallet')} {'catches' if catching_up == 1 else 'catch'} up"
        if catching_up
        else ""
    )
    return f"{measured(report.delay)}; {plan_says}{longer}"


def _delivery(delivery: LastDelivery, now: datetime, *, is_set: bool) -> str:
    if not is_set:
        return "not configured"
    last = f"last sent {age(delivery.last_sent_at, now)}" if delivery.last_sent_at else "never sent"
    return f"{last}; last attempt failed: {delivery.last_error}" if delivery.last_error else last


def _signals(signals: Signals) -> str:
    failed = f", {signals.failed_24h:,} failed in the last 24 h" if signals.failed_24h else ""
    return f"{signals.pending:,} pending{failed}"


def _failing(target: TargetState) -> str:
    return f"has failed since {moment(target.failing_since)} UTC: {target.last_error}. See `opinionscope signals`."


def _clock(clock: Clock) -> str:
    if clock.ahead_seconds is None:
        text = "not compared with the exchange's yet"
    elif abs(clock.ahead_seconds) > _SKEW_TO_NAME:
        word = "ahead of" if clock.ahead_seconds > 0 else "behind"
        text = f"{abs(clock.ahead_seconds):,.0f} s {word} the exchange's: set it, and keep it right with NTP"
    else:
        text = "agrees with the exchange's"
    if clock.latest_run is None:
        return text
    return (
        f"{text}; {counted(clock.future_runs, 'run')} in the log dated later than now, up to "
        f"{moment(clock.latest_run)} UTC: the clock was ahead, and these dates are not believed"
    )


def _due(job: JobHealth) -> str:
    if job.overdue:
        return "OVERDUE"
    return "on time" if job.last_status else "not yet due"
