"""Command `merge`: the databases of several shards as one to look at."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.cli.options import absolute_path, examples
from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.progress import progress_display
from opinionscope.cli.output.terminal import warn, write
from opinionscope.cli.valid_settings import valid_settings
from opinionscope.errors import ExitStatus
from opinionscope.known_databases import remember
from opinionscope.merging.merge import Merged
from opinionscope.merging.merge import merge as merge_databases
from opinionscope.times import utc_now

merge = typer.Typer(add_completion=False)


@merge.command("merge", epilog=examples("merge merged.db /shard1/opinionscope.db /shard2/opinionscope.db"))
def run_merge(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The merged database; made if it does not exist.")],
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE", help="The databases of all shards.")],
) -> None:
    """Merge the databases of several shards into one for viewing. Their jobs keep running.

    Repeat it as often as you like, such as every minute: only what has changed is written.
    """
    database, paths = absolute_path(target), [absolute_path(source) for source in sources]
    settings, wrong = valid_settings()
    try:
        with progress_display() as display:
            merged = merge_databases(
                database,
                paths,
                # Nobody knows what a wrong setting was meant to keep.
                log_retention=None if wrong else settings.log_retention,
                clock=utc_now,
                progress=display.update,
            )
    finally:
        remember(database)
    if sys.stdout.isatty():
        write(f"{_summary(merged)}.\n")
    failures = [*([wrong] if wrong else []), *(merged.failures if merged else [])]
    for text in [*(merged.warnings if merged else []), *failures]:
        warn(text)
    if failures:
        raise typer.Exit(ExitStatus.FAILED)


def _summary(merged: Merged | None) -> str:
    if merged is None:
        return "Skipped: another merge into this database is in progress"
    return f"{counted(merged.sources, 'database')} merged, {counted(merged.trades, 'new trade')}"
