"""Commands `crontab …`: the schedule of this installation."""

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.tables import write

crontab = typer.Typer(help="The schedule that cron runs the jobs by.", no_args_is_help=True)


# A group with a single command would be that command itself.
@crontab.callback()
def group() -> None:
    """The schedule that cron runs the jobs by."""


@crontab.command("show")
def show(db: Database = None) -> None:
    """Print the lines for this installation, with absolute paths."""
    from opinionscope.monitor.crontab import crontab_of_this_installation

    write(crontab_of_this_installation(db))
