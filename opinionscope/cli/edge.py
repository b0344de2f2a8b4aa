"""The one edge where errors become a line on stderr and an exit status."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from opinionscope.cli.parsing import find_command
from opinionscope.errors import ExitStatus, OpinionscopeError
from opinionscope.text import one_line

VERBOSE = "--verbose"


class CommandLine(TyperGroup):
    """The root of all commands. Whatever one of them raises ends here; `--verbose`, anywhere, shows its traceback."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and leave the process with its exit status."""
        given = list(sys.argv[1:] if args is None else args)
        verbose = VERBOSE in given
        words = [word for word in given if word != VERBOSE]
        command, rest = find_command(self, words)
        run = super().main if command is self else command.main
        name = " ".join([prog_name or "opinionscope", *words[: len(words) - len(rest)]])
        try:
            status = run(list(rest), name, **{**self.context_settings, **extra, "standalone_mode": False})
        except typer.TyperException as error:
            status = _explain(error.format_message(), error.exit_code, verbose=verbose)
        except typer.Abort:
            status = _explain("aborted", ExitStatus.FAILED, verbose=False)
        except OpinionscopeError as error:
            status = _explain(str(error), error.exit_status, verbose=verbose)
        except Exception as error:  # noqa: BLE001 - a traceback is no way to talk to an operator
            hint = "" if verbose else f" Run it with {VERBOSE} to see where."
            status = _explain(f"unexpected {type(error).__name__}: {error}.{hint}", ExitStatus.FAILED, verbose=verbose)
        sys.exit(status if isinstance(status, int) else ExitStatus.DONE)


def _explain(message: str, status: int, *, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exc()
    print(f"opinionscope: {one_line(message, len(message))}", file=sys.stderr)  # noqa: T201
    return status
