"""Command `demo`: everything at once, on a simulated exchange and a throw-away database."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.cli.activity import print_activity
from opinionscope.cli.logs import print_runs
from opinionscope.cli.markets import print_markets
from opinionscope.cli.tables import counted, write
from opinionscope.cli.whales import print_whales
from opinionscope.locations import database_path
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.demo import Stage
    from opinionscope.jobs.result import JobResult

_ROWS = 5
_FAREWELL = """
With a key of the real exchange:

  export OPINION_TRADE_API_KEY=<your key>
  opinionscope sync markets
  opinionscope whales add <address>
  opinionscope sync whales
  opinionscope crontab show     # the lines that have cron do it from now on
"""


def demo(
    db: Annotated[Path | None, typer.Option("--db", metavar="PATH", help="Keep the database in this new file.")] = None,
) -> None:
    """Show everything at work on simulated data, in some ten seconds; needs no key and no network."""
    from opinionscope.demo import set_stage

    kept = None if db is None else database_path(db)
    with set_stage(kept) as stage:
        write(f"A simulated exchange answers at {stage.url}.\n")
        write("All data are invented. The jobs run as cron would run them:\n\n")
        _track_wallets(stage)
        _run_jobs(stage.database)
        _show(stage.database)
    write("\nThat was all made up, and it is gone.\n" if kept is None else f"\nThe database is kept in {kept}.\n")
    write(_FAREWELL)


def _track_wallets(stage: "Stage") -> None:
    from opinionscope.store.database import Store
    from opinionscope.store.whales import add_whales

    with Store.open(stage.database) as store:
        added = add_whales(store, stage.wallets, "demo", utc_now())
    write(f"  {'whales add':14}{counted(added, 'wallet')} tracked\n")


def _run_jobs(database: Path) -> None:
    from opinionscope.jobs import runs

    _run("sync markets", "{item_count:,} markets stored", lambda: runs.sync_markets(database))
    _run("sync whales", "{item_count:,} trades of {done_count} wallets stored", lambda: runs.sync_whales(database))
    _run("sync whales", "again, {item_count:,} new trades stored", lambda: runs.sync_whales(database))
    _run("stats", "figures of {item_count} whales computed", lambda: runs.compute_stats(database))
    _run("cleanup", "{item_count} old rows purged", lambda: runs.clean_up(database))


def _run(job: str, summary: str, work: "Callable[[], JobResult | None]") -> None:
    """Name the job while it runs, then say what came of it."""
    write(f"  {job:14}")
    started = time.monotonic()
    result = work()
    write(f"{summary.format(**vars(result))} in {time.monotonic() - started:.1f} s\n")


def _show(database: Path) -> None:
    from opinionscope.store.activity import find_activity
    from opinionscope.store.database import Store
    from opinionscope.store.markets import find_markets
    from opinionscope.store.sync_logs import find_runs
    from opinionscope.store.whales import find_names, find_whales

    now = utc_now()
    with Store.open_existing(database) as store:
        write(f"\n$ opinionscope markets --limit {_ROWS}\n\n")
        print_markets(find_markets(store, limit=_ROWS))
        write("\n$ opinionscope whales list\n\n")
        print_whales(find_whales(store), now)
        write(f"\n$ opinionscope activity --limit {_ROWS}\n\n")
        print_activity(find_activity(store, limit=_ROWS), find_names(store), now)
        write("\n$ opinionscope logs\n\n")
        print_runs(find_runs(store), now)
