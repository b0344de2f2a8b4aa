"""Command `logs`: what ran, when, and how it ended."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from opinionscope.cli.completion import complete_out_of
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples, one_of
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import age, count, moment, seconds
from opinionscope.cli.output.styles import STATUS_STYLES
from opinionscope.cli.output.tables import print_table
from opinionscope.job_table import JOB_NAMES
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.run_history import as_it_stands
from opinionscope.store.sync_logs import LoggedRun, find_runs
from opinionscope.times import parse_since, utc_now

logs = typer.Typer(add_completion=False)


@logs.command(epilog=examples("logs --failed --since 24h", "logs --type whales --limit 20 --json"))
def show_logs(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed and partial runs.")] = False,
    job: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="JOB",
            help=f"Only this job: {', '.join(JOB_NAMES)}.",
            autocompletion=complete_out_of(JOB_NAMES),
        ),
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the sync log, newest first."""
    job = job and one_of(JOB_NAMES, job, "job")
    now = utc_now()
    start = None if since is None else parse_since(since, now)
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        found = find_runs(store, failed=failed, job=job, since=start, limit=limit)
        runs = (as_it_stands(store, run) for run in found)
        if form:
            print_records(form, LoggedRun, runs)
        else:
            print_runs(runs, now, is_filtered=bool(failed or job or since))


def print_runs(runs: Iterable[LoggedRun], now: datetime, *, is_filtered: bool = False) -> None:
    """A table of runs, times in UTC."""
    columns = [
        Column("Started (UTC)", lambda run: moment(run.started_at)),
        Column("Ago", lambda run: age(run.started_at, now), right=True, rank=4),
        Column("Job", lambda run: run.type),
        Column("Status", lambda run: run.status, style=lambda run: STATUS_STYLES.get(run.status, "")),
        Column("Took", lambda run: seconds(run.seconds), right=True, rank=2),
        Column("Items", lambda run: count(run.item_count), right=True, rank=1),
        Column("Failed", lambda run: count(run.failed_count), right=True, rank=3),
        Column("Requests", lambda run: count(run.request_count), right=True, rank=5),
        Column("429s", lambda run: count(run.throttled_count), right=True, rank=6),
        Column("Error", lambda run: run.error, flexible="wrap", least=36, optional=True),
    ]
    nothing = "No runs match these filters." if is_filtered else "No runs yet; run `opinionscope sync markets`."
    print_table(columns, runs, nothing=nothing)
