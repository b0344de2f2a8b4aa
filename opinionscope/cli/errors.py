"""The one place where an exception becomes a line on standard error and an exit status."""

import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from opinionscope.errors import ExitStatus, OpinionscopeError
from opinionscope.text import one_line

VERBOSE = "--verbose"


def exit_status_of(run: Callable[[], Any], *, verbose: bool) -> int:
    """Run a command; what the process should exit with. What it raises is explained on standard error."""
    try:
        status = run()
    except typer.TyperException as error:
        return _explain(error.format_message(), error.exit_code, verbose=verbose)
    except typer.Abort:
        return _explain("aborted", ExitStatus.FAILED, verbose=False)
    except OpinionscopeError as error:
        return _explain(str(error), error.exit_status, verbose=verbose)
    except Exception as error:  # noqa: BLE001 - an operator gets one line, and a traceback only on request
        hint = "" if verbose else f" Run again with {VERBOSE} for a traceback."
        return _explain(f"unexpected {type(error).__name__}: {error}.{hint}", ExitStatus.FAILED, verbose=verbose)
    return status if isinstance(status, int) else ExitStatus.DONE


def _explain(message: str, status: int, *, verbose: bool) -> int:
    if verbose:
        traceback.print_exc()
    print(f"opinionscope: {one_line(message, len(message))}", file=sys.stderr)  # noqa: T201
    return status
