"""The one place where an exception becomes a line on standard error and an exit status."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from opinionscope.cli.output.terminal import output_failure
from opinionscope.errors import ExitStatus, OpinionscopeError, ReaderLeft
from opinionscope.streams import discard
from opinionscope.text import one_line

VERBOSE = "--verbose"


def exit_status_of(run: Callable[[], Any], *, verbose: bool) -> int:
    """Run a command; what the process should exit with. What it raises is explained on standard error."""
    status = _status_of(run, verbose=verbose)
    try:
        sys.stdout.flush()
    except OSError as error:
        discard(sys.stdout)
        failure = output_failure(error)
        if not isinstance(failure, ReaderLeft):
            status = status or _explain(str(failure), ExitStatus.FAILED, verbose=False)
    with _or_to_nobody():
        sys.stderr.flush()
    return status


def _status_of(run: Callable[[], Any], *, verbose: bool) -> int:
    try:
        status = run()
    except typer.TyperException as error:
        return _explain(error.format_message(), error.exit_code, verbose=verbose)
    except typer.Abort:
        return _explain("aborted", ExitStatus.FAILED, verbose=False)
    except ReaderLeft as error:
        return error.exit_status
    except OpinionscopeError as error:
        return _explain(str(error), error.exit_status, verbose=verbose)
    except Exception as error:  # noqa: BLE001 - an operator gets one line, and a traceback only on request
        hint = "" if verbose else f" Run again with {VERBOSE} for a traceback."
        return _explain(f"unexpected {type(error).__name__}: {error}.{hint}", ExitStatus.FAILED, verbose=verbose)
    return status if isinstance(status, int) else ExitStatus.DONE


def _explain(message: str, status: int, *, verbose: bool) -> int:
    with _or_to_nobody():
        if verbose:
            traceback.print_exc()
        print(f"opinionscope: {one_line(message, len(message))}", file=sys.stderr, flush=True)  # noqa: T201
    return status


@contextmanager
def _or_to_nobody() -> Iterator[None]:
    """If standard error takes nothing, as on a full disk, the status has to say it all."""
    try:
        yield
    except OSError:
        discard(sys.stderr)
