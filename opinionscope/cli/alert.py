"""Commands `alert …`: the targets that are told when a job keeps failing."""

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.tables import LONGEST_TEXT, write
from opinionscope.errors import ConfigurationError, ExitStatus
from opinionscope.text import one_line

alert = typer.Typer(help="Who is told when a job keeps failing.", no_args_is_help=True)


# A group with a single command would be that command itself.
@alert.callback()
def group() -> None:
    """Who is told when a job keeps failing."""


@alert.command("test")
def send_test(db: Database = None) -> None:  # noqa: ARG001 - every command takes --db
    """Send a test to each target of OPINIONSCOPE_ALERT_URLS. Ends with 1 if one of them does not accept it."""
    from opinionscope.monitor.messages import trial
    from opinionscope.monitor.targets import send, split_urls
    from opinionscope.settings import Settings

    setting = Settings.load().alert_urls
    urls = split_urls(setting.get_secret_value()) if setting else []
    if not urls:
        raise ConfigurationError("OPINIONSCOPE_ALERT_URLS is not set: put Apprise URLs there, separated by commas.")
    deliveries = send(urls, trial())
    for delivery in deliveries:
        write(f"{one_line(delivery.target, LONGEST_TEXT)}: {delivery.problem or 'accepted'}\n")
    if not all(delivery.accepted for delivery in deliveries):
        raise typer.Exit(ExitStatus.FAILED)
