"""Commands `alert …`: the targets that hear of signals and of a job that keeps failing."""

from contextlib import suppress
from typing import Annotated

import typer

from opinionscope.alerts.messages import test_message
from opinionscope.cli.completion import complete_target
from opinionscope.cli.options import Database
from opinionscope.cli.output.columns import LONGEST_TEXT
from opinionscope.cli.output.terminal import write
from opinionscope.errors import ConfigurationError, ExitStatus, ReaderLeft, UsageError
from opinionscope.locations import read_environment
from opinionscope.notify.address_book import DEFAULT_TARGET, TARGET_PREFIX, AddressBook, target_name, variable_of
from opinionscope.signals.delivery import send_test
from opinionscope.text import one_line
from opinionscope.times import utc_now

alert = typer.Typer(help="Test alert delivery.", no_args_is_help=True, add_completion=False)


# Without a callback, Typer would turn a group of one command into that command.
@alert.callback()
def group() -> None:
    """Test alert delivery."""


@alert.command("test")
def send_test_message(
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="TARGET", help="One target.", show_default="all targets", autocompletion=complete_target
        ),
    ] = None,
    db: Database = None,  # noqa: ARG001 - every command takes --db
) -> None:
    """Send a test alert to every target, or to one. Exits with status 1 if any target rejects it.

    The targets are the URLs in OPINIONSCOPE_ALERT_URLS, named alerts, and each OPINIONSCOPE_TARGET_<NAME>.
    """
    book = AddressBook.of(read_environment())
    keys = book.keys_of(_wanted(to, book))
    deliveries = send_test(book, keys, test_message(), utc_now())
    with suppress(ReaderLeft):
        for key, delivery in zip(keys, deliveries, strict=True):
            name = "" if key.partition("/")[0] == DEFAULT_TARGET else f"{key}: "
            write(f"{name}{one_line(delivery.target, LONGEST_TEXT)}: {delivery.problem or 'accepted'}\n")
    if not all(delivery.accepted for delivery in deliveries):
        raise typer.Exit(ExitStatus.FAILED)


def _wanted(to: str | None, book: AddressBook) -> list[str]:
    """The names of the targets to test. Raises UsageError or ConfigurationError if there are none."""
    if to is not None:
        name = target_name(to)
        if name not in book.names:
            raise UsageError(f"There is no target {to[:80]!r}: {variable_of(name or to[:80])} is not set.")
        return [name]
    if not book.names:
        raise ConfigurationError(
            f"No target is set up; expected Apprise URLs in {variable_of(DEFAULT_TARGET)}, "
            f"or {TARGET_PREFIX}<NAME> with an Apprise URL or exec:/absolute/program."
        )
    return book.names
