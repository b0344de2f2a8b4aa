"""The Datasette instance: one database, opened read-only, the pages shipped beside this file, and no SQL of others."""

import sqlite3
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm
from datasette.utils import parse_metadata

from opinionscope.completeness import judge_completeness
from opinionscope.dashboard import plugin

_FOLDER = Path(__file__).parent
_PAGES = ("sync-health", "whales", "activity", "markets")
_SECONDS_PER_QUERY = 5


class ReadOnlyDatabase(Database):  # type: ignore[misc]
    """The SQLite file as Datasette reads it: whatever it is called, and never for writing."""

    def connect(self, write: bool = False) -> sqlite3.Connection:  # noqa: ARG002 - whatever is asked for
        """A connection that cannot write, with the SQL function `completeness`."""
        uri = f"{Path(self.path).as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        connection.create_function("completeness", 5, _completeness, deterministic=True)
        self._all_file_connections.append(connection)
        return connection


def build_site(database: Path, rate_limit: float) -> Any:
    """The Datasette of this database; `rate_limit` is the setting, in requests a second."""
    if not pm.has_plugin(plugin.NAME):
        pm.register(plugin, plugin.NAME)
    # Where rich is installed, Datasette prints every 404 with all the variables of all its frames.
    pm.get_plugin("datasette.handle_exception").rich = None
    site = Datasette(
        metadata=_metadata(rate_limit),
        settings={
            "allow_csv_stream": False,
            "default_allow_sql": False,
            "sql_time_limit_ms": _SECONDS_PER_QUERY * 1000,
            "suggest_facets": False,
        },
        static_mounts=[("assets", str(_FOLDER / "assets"))],
        template_dir=str(_FOLDER / "templates"),
    )
    site.remove_database("_memory")
    site.add_database(ReadOnlyDatabase(site, path=str(database)), name=plugin.DATABASE)
    return site


def _metadata(rate_limit: float) -> dict[str, Any]:
    pages = {name: parse_metadata((_FOLDER / "pages" / f"{name}.yaml").read_text("utf-8")) for name in _PAGES}
    return {
        "title": "opinionscope",
        "extra_css_urls": ["/assets/tables.css"],
        "plugins": {"datasette-dashboards": pages, plugin.NAME: {"limit_per_minute": rate_limit * 60}},
    }


def _completeness(
    total: int | None, known: int, history_read_at: str | None, resume_position: int | None, doubted: int
) -> str:
    """The SQL function of these columns of `whales`."""
    judged = judge_completeness(
        total=total,
        known=known,
        end_reached=history_read_at is not None,
        reading=resume_position is not None,
        doubted=bool(doubted),
    )
    return judged.word
