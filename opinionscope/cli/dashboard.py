"""Command `dashboard`: the database in a browser."""

import os
import sys
from typing import Annotated

import typer

from opinionscope.cli.options import Database
from opinionscope.cli.tables import write
from opinionscope.locations import database_path


def dashboard(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="P", help="Where to listen; 0: a free one.")] = 8710,
    browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open a browser there.", show_default="if there is a screen"),
    ] = None,
    db: Database = None,
) -> None:
    """Serve the dashboards on this machine, read-only, until Ctrl-C."""
    from opinionscope.monitor.dashboard.server import require_packages, serve_dashboard

    require_packages()
    from opinionscope.settings import Settings
    from opinionscope.store.database import Store

    path = database_path(db)
    Store.open_existing(path).close()

    def tell(address: str) -> None:
        write(f"The dashboards are at {address} until Ctrl-C.\n")
        if _has_screen() if browser is None else browser:
            typer.launch(address)

    serve_dashboard(path, port, Settings.load().rate_limit, tell)


def _has_screen() -> bool:
    """Whether somebody watches who would see a browser: a text browser would take the terminal away."""
    graphical = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return graphical and sys.stdout.isatty()
