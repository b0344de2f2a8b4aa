"""The command line: finds the command by its name, runs it, and exits with its status."""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from opinionscope import __version__
from opinionscope.cli.command_table import COMMANDS, load_command
from opinionscope.cli.errors import VERBOSE, exit_status_of
from opinionscope.cli.job_command import find_command
from opinionscope.cli.output.terminal import write


class CommandLine(TyperGroup):
    """The root of all commands. `--verbose`, before or after the command, shows what it does and any traceback."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of Typer
        """The names of the commands, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature of Typer
        """The command of this name, loaded when it is first asked for."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = load_command(cmd_name)
        return self.commands.get(cmd_name)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and exit with its status."""
        given = list(sys.argv[1:] if args is None else args)
        verbose = VERBOSE in given
        if verbose:
            _show_log()
        words = [word for word in given if word != VERBOSE]
        command, rest = find_command(self, words)
        main = super().main if command is self else command.main
        name = " ".join([prog_name or "opinionscope", *words[: len(words) - len(rest)]])
        run = partial(main, list(rest), name, **{**self.context_settings, **extra, "standalone_mode": False})
        sys.exit(exit_status_of(run, verbose=verbose))


app = typer.Typer(
    cls=CommandLine,
    help="Watches the Opinion.Trade prediction market for people who follow its whales.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        write(f"opinionscope {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(  # both flags take effect before this is called
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(VERBOSE, help="Print a debug log, and a traceback on errors. Works with any command."),
    ] = False,
) -> None:
    """Watches the Opinion.Trade prediction market for people who follow its whales."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _show_log() -> None:
    """Print our own log on standard error; other packages stay silent, because their logs may hold request headers."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(name)s: %(message)s", "%H:%M:%S"))
    log = logging.getLogger("opinionscope")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
