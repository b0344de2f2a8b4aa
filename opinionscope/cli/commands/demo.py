"""Command `demo`: everything at once, on a simulated exchange and a temporary database."""

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.cli.activity_table import order_columns
from opinionscope.cli.commands.logs import print_runs
from opinionscope.cli.listed_activity import find_listed
from opinionscope.cli.market_table import print_markets
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import write
from opinionscope.cli.position_table import print_positions
from opinionscope.cli.whale_table import print_whales
from opinionscope.job_table import CLEANUP, MARKETS, POSITIONS, STATS, WHALES, Job
from opinionscope.jobs.run import run_job, work_of
from opinionscope.locations import database_path
from opinionscope.simulator.demo import DemoExchange, serve_demo
from opinionscope.store.database import Store
from opinionscope.store.markets import find_markets
from opinionscope.store.position_figures import find_positions
from opinionscope.store.sync_logs import find_runs
from opinionscope.store.whale_activity import ANY
from opinionscope.store.whales import add_whales, find_names, find_whales
from opinionscope.times import utc_now

demo = typer.Typer(add_completion=False)

_ROWS = 5


@demo.command()
def run_demo(
    db: Annotated[Path | None, typer.Option("--db", metavar="PATH", help="Save the database to this new file.")] = None,
) -> None:
    """Run a 15-second demo on simulated data. Needs no API key and no network."""
    kept = None if db is None else database_path(db)
    with serve_demo(kept) as exchange:
        write(f"Simulated exchange running at {exchange.url}.\n")
        write("All data is simulated. Running the jobs that cron would run:\n\n")
        _track_wallets(exchange)
        _run_jobs(exchange.database)
        _show(exchange.database)
    if kept is None:
        write("\nSimulated data; nothing was saved (keep it with --db PATH).\n")
    else:
        write(f"\nSimulated data; the database is in {kept}.\n")
    write(_next_steps(command_as_started()))


def command_as_started() -> str:
    """The words that start this command in the user's shell, as the user has just done."""
    started = Path(sys.argv[0])
    if started.name == "opinionscope":
        on_path = shutil.which("opinionscope")
        return "opinionscope" if on_path and Path(on_path).samefile(started) else shlex.quote(str(started))
    return f"{shlex.quote(sys.orig_argv[0])} -m opinionscope"


def _next_steps(command: str) -> str:
    return f"""
Next, with an API key for the real exchange:

  mkdir -p ~/.config/opinionscope
  (umask 077; echo 'OPINION_TRADE_API_KEY=<your key>' > ~/.config/opinionscope/env)
  {command} sync markets
  {command} whales add <address>
  {command} sync whales
  {command} crontab show     # the lines for cron
"""


def _track_wallets(exchange: DemoExchange) -> None:
    with Store.open(exchange.database) as store:
        added = add_whales(store, exchange.wallets, "demo", utc_now())
    write(f"  {'whales add':16}{counted(added.new, 'wallet')} tracked\n")


def _run_jobs(database: Path) -> None:
    _run(MARKETS, database, "{item_count:,} markets stored")
    _run(WHALES, database, "{item_count:,} trades from {done_count} wallets stored")
    _run(WHALES, database, "second run: {item_count:,} more stored")
    _run(MARKETS, database, "second run: {item_count:,} stored, with those that only trades name")
    _run(POSITIONS, database, "{item_count:,} positions checked")
    _run(STATS, database, "figures computed for {item_count} whales")
    _run(CLEANUP, database, "{item_count} old rows purged")


def _run(job: Job, database: Path, summary: str) -> None:
    """Name the job while it runs, then what came of it."""
    write(f"  {job.command:16}")
    started = time.monotonic()
    result = run_job(job, database, work_of(job))
    write(f"{summary.format(**vars(result))} in {time.monotonic() - started:.1f} s\n")


def _show(database: Path) -> None:
    now = utc_now()
    with Store.open_to_read(database) as store:
        write(f"\n$ opinionscope markets --limit {_ROWS}\n\n")
        print_markets(find_markets(store, limit=_ROWS))
        write("\n$ opinionscope whales list\n\n")
        print_whales(find_whales(store), now)
        write(f"\n$ opinionscope positions --limit {_ROWS}\n\n")
        print_notes(print_positions(find_positions(store, limit=_ROWS), of_one_state=True).notes)
        write(f"\n$ opinionscope activity --orders --limit {_ROWS}\n\n")
        print_table(
            order_columns(find_names(store), now), find_listed(store, ANY, _ROWS, as_orders=True), nothing="No trades."
        )
        write("\n$ opinionscope logs\n\n")
        print_runs(find_runs(store), now)
