"""Command `logs`: what ran, when, and how it ended."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from opinionscope.cli.filter_options import word_option
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples, one_of
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import count, elapsed, moment, seconds
from opinionscope.cli.output.no_match import explain_filters
from opinionscope.cli.output.notes import left_out, print_notes, print_sentence
from opinionscope.cli.output.styles import STATUS_STYLES
from opinionscope.cli.output.tables import print_table
from opinionscope.job_table import JOB_NAMES
from opinionscope.locations import database_path
from opinionscope.store.database import Store
from opinionscope.store.run_history import as_it_stands
from opinionscope.store.sync_logs import LoggedRun, count_runs, find_runs
from opinionscope.times import parse_since, utc_now

logs = typer.Typer(add_completion=False)

_NO_RUNS = "No runs yet; run `opinionscope sync markets`."


@logs.command(epilog=examples("logs --failed --since 24h", "logs --type whales --limit 20 --json"))
def show_logs(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed and partial runs.")] = False,
    job: Annotated[str | None, word_option(JOB_NAMES, "Only this job: {}.", "--type", metavar="JOB")] = None,
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
    filters: dict[str, Any] = {"failed": failed or None, "job": job, "since": start}
    with Store.open_to_read(database_path(db)) as store:
        runs = (as_it_stands(store, run) for run in find_runs(store, limit=limit, **filters))
        if form:
            print_records(form, LoggedRun, runs)
            return
        count_all = partial(count_runs, store)
        words = {"failed": "--failed", "job": f"--type {job}", "since": f"--since {since}"}
        shown = print_runs(runs, now)
        if not shown:
            print_sentence(explain_filters("run", words, filters, count_all, otherwise=_NO_RUNS))
        print_notes(left_out(shown, limit, partial(count_all, **filters), "run"))


def print_runs(runs: Iterable[LoggedRun], now: datetime) -> int:
    """A table of runs, times in UTC; how many there are. Prints nothing without any."""
    columns = [
        Column("Started (UTC)", lambda run: moment(run.started_at)),
        Column("Ago", lambda run: elapsed(run.started_at, now), right=True, rank=4),
        Column("Job", lambda run: run.type),
        Column("Status", lambda run: run.status, style=lambda run: STATUS_STYLES.get(run.status, "")),
        Column("Took", lambda run: seconds(run.seconds), right=True, rank=2),
        Column("Items", lambda run: count(run.item_count), right=True, rank=1),
        Column("Failed", lambda run: count(run.failed_count), right=True, rank=3),
        Column("Requests", lambda run: count(run.request_count), right=True, rank=5),
        Column("429s", lambda run: count(run.throttled_count), right=True, rank=6),
        Column("Error", lambda run: run.error, flexible="wrap", least=36, optional=True),
    ]
    return print_table(columns, runs, nothing="")
