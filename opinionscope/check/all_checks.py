"""The checks of `check`, in their order. Each one ends in findings, whatever happens in it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from opinionscope.check.cron_daemon import check_cron_daemon
from opinionscope.check.exchange import check_exchange
from opinionscope.check.finding import Finding, failure, warning
from opinionscope.check.last_runs import check_last_runs, run_on_time
from opinionscope.check.machine import check_database, check_files
from opinionscope.check.schedule import check_schedule
from opinionscope.check.settings import check_alerts, check_env_file, check_names, check_pings, check_targets
from opinionscope.check.shard import check_shard
from opinionscope.errors import ConfigurationError
from opinionscope.locations import env_file
from opinionscope.settings import Settings
from opinionscope.store.merged_databases import is_merged_file

Check = tuple[str, Callable[[], Iterable[Finding]]]
"""A subject, and what looks at it."""
_OF_MERGED = {"settings", "targets", "database", "files", "cron"}
"""The subjects that matter to a merged database: no job runs on it, so it needs neither a key nor the schedule."""


def run_checks(database: Path, now: datetime, *, named: Path | None = None) -> Iterator[Finding]:
    """All findings. `named` is the database that the user named on the command line, if any."""
    try:
        settings = Settings.load()
    except ConfigurationError as error:
        yield failure("settings", str(error))
        yield warning("exchange", "not checked, because the settings are wrong")
        checks: list[Check] = [("settings", check_names)]
    else:
        checks = _checks_of(settings, database)
    checks += [
        ("database", lambda: [check_database(database)]),
        ("files", lambda: [check_files(database)]),
        ("schedule", lambda: check_schedule(named, run_on_time(database, now))),
        ("cron", check_cron_daemon),
        ("last runs", lambda: check_last_runs(database, now)),
    ]
    is_merged = is_merged_file(database)
    for subject, look in [check for check in checks if not is_merged or check[0] in _OF_MERGED]:
        yield from _findings_of(subject, look)


def _checks_of(settings: Settings, database: Path) -> list[Check]:
    return [
        ("settings", lambda: [check_env_file(env_file())]),
        ("settings", check_names),
        ("shard", lambda: check_shard(settings, database)),
        ("exchange", partial(check_exchange, settings, database)),
        ("alerts", lambda: [check_alerts(settings)]),
        ("targets", check_targets),
        ("pings", lambda: [check_pings(settings)]),
    ]


def _findings_of(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - whatever one check meets, the others still have to be made
        yield failure(subject, f"could not be checked ({type(error).__name__}: {error})")
