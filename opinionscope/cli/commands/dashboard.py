"""Command `dashboard`: the database in a browser."""

import os
import sys
from typing import Annotated

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.output.terminal import write
from opinionscope.dashboard.server import require_packages, serve_dashboard
from opinionscope.locations import database_path
from opinionscope.settings import Settings
from opinionscope.store.database import Store

dashboard = typer.Typer(add_completion=False)


@dashboard.command()
def show_dashboard(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="Port to listen on; 0 picks a free one.")
    ] = 8710,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open the dashboard in a browser.", show_default="if a display is available"
        ),
    ] = None,
    db: Database = None,
) -> None:
    """Serve a read-only dashboard on this machine. Press Ctrl-C to stop."""
    require_packages()
    path = database_path(db)
    Store.open_to_read(path).close()

    def announce(address: str) -> None:
        write(f"Dashboard: {address} (press Ctrl-C to stop)\n")
        if _has_screen() if browser is None else browser:
            typer.launch(address)

    serve_dashboard(path, port, Settings.load().rate_limit_of_all_keys, announce)


def _has_screen() -> bool:
    """Whether a browser would open in a window; a text browser would take over the terminal."""
    graphical = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return graphical and sys.stdout.isatty()
