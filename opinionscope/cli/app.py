"""The command line: every command, and the file that it is in."""

from typing import Annotated

import typer

from opinionscope import __version__
from opinionscope.cli import (
    activity,
    alert,
    check,
    crontab,
    dashboard,
    demo,
    jobs,
    logs,
    markets,
    simulate,
    status,
    whales,
)
from opinionscope.cli.edge import VERBOSE, CommandLine
from opinionscope.cli.parsing import JobCommand

app = typer.Typer(
    cls=CommandLine,
    help="Watches the Opinion.Trade prediction market for people who follow its whales.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"opinionscope {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(  # the two flags act before this is called
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option(VERBOSE, help="Show the traceback of an error. May stand anywhere.")] = False,
) -> None:
    """Watches the Opinion.Trade prediction market for people who follow its whales."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.add_typer(jobs.sync, name="sync")
app.command(cls=JobCommand)(jobs.stats)
app.command(cls=JobCommand)(jobs.cleanup)
app.add_typer(whales.whales, name="whales")
app.command()(markets.markets)
app.command()(activity.activity)
app.command()(logs.logs)
app.command()(status.status)
app.command()(check.check)
app.add_typer(alert.alert, name="alert")
app.add_typer(crontab.crontab, name="crontab")
app.command()(dashboard.dashboard)
app.command()(demo.demo)
app.command()(simulate.simulate)
