"""Commands `alert …`: the targets that hear of a job that keeps failing."""

from contextlib import suppress

import typer

from opinionscope.alerts.messages import test_message
from opinionscope.cli.options import Database
from opinionscope.cli.output.columns import LONGEST_TEXT
from opinionscope.cli.output.terminal import write
from opinionscope.errors import ConfigurationError, ExitStatus, ReaderLeft
from opinionscope.notify.targets import send, split_urls
from opinionscope.settings import Settings
from opinionscope.text import one_line

alert = typer.Typer(help="Test alert delivery.", no_args_is_help=True, add_completion=False)


# Without a callback, Typer would turn a group of one command into that command.
@alert.callback()
def group() -> None:
    """Test alert delivery."""


@alert.command("test")
def send_test(db: Database = None) -> None:  # noqa: ARG001 - every command takes --db
    """Send a test alert to every target in OPINIONSCOPE_ALERT_URLS. Exits with status 1 if any target rejects it."""
    setting = Settings.load().alert_urls
    urls = split_urls(setting.get_secret_value()) if setting else []
    if not urls:
        raise ConfigurationError("OPINIONSCOPE_ALERT_URLS is not set; expected comma-separated Apprise URLs.")
    deliveries = send(urls, test_message())
    with suppress(ReaderLeft):
        for delivery in deliveries:
            write(f"{one_line(delivery.target, LONGEST_TEXT)}: {delivery.problem or 'accepted'}\n")
    if not all(delivery.accepted for delivery in deliveries):
        raise typer.Exit(ExitStatus.FAILED)
