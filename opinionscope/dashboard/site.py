"""The Datasette instance: one database, opened read-only, the pages shipped beside this file, and no other SQL."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm
from datasette.utils import parse_metadata

from opinionscope.completeness import judge_completeness
from opinionscope.dashboard import plugin
from opinionscope.job_table import JOB_NAMES
from opinionscope.store.reading import reading_uri, remove_stray_log
from opinionscope.text import casefold

_FOLDER = Path(__file__).parent
_PAGES = ("whales", "whale", "activity", "consensus", "markets", "signals", "sync-health")
_SECONDS_PER_QUERY = 5


class ReadOnlyDatabase(Database):  # type: ignore[misc]
    """The SQLite file as Datasette reads it: whatever its name, and never for writing."""

    def connect(self, write: bool = False) -> sqlite3.Connection:  # noqa: ARG002 - always read-only
        """A connection that cannot write, with the SQL functions of the pages."""
        connection = sqlite3.connect(reading_uri(Path(self.path)), uri=True, check_same_thread=False)
        connection.create_function("completeness", 5, _completeness, deterministic=True)
        connection.create_function("concat_notes", -1, _concat_notes, deterministic=True)
        connection.create_function("casefold", 1, casefold, deterministic=True)
        return connection

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], Any]) -> Any:
        """Call `fn` in a thread, on a connection of its own.

        A connection that is kept would miss that the database was restored; and that of a user who may not write must
        not outlast a change.
        """

        def run() -> Any:
            try:
                with closing(self.connect()) as connection:
                    self.ds._prepare_connection(connection, self.name)
                    return fn(connection)
            finally:
                remove_stray_log(Path(self.path))

        return await asyncio.get_running_loop().run_in_executor(self.ds.executor, run)


def build_site(database: Path, rate_limit: float) -> Any:
    """The Datasette of this database; `rate_limit` is the setting, in requests a second."""
    if not pm.has_plugin(plugin.NAME):
        pm.register(plugin, plugin.NAME)
    # If rich is installed, Datasette prints every 404 with the variables of all its stack frames.
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
    pages["sync-health"]["filters"]["job"]["options"] = list(JOB_NAMES)
    parameters = {"limit_per_minute": rate_limit * 60, "jobs": json.dumps(JOB_NAMES)}
    return {
        "title": "opinionscope",
        "plugins": {"datasette-dashboards": pages, plugin.NAME: parameters},
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


def _concat_notes(*notes: str | None) -> str:
    """The SQL function that joins the notes that are not NULL."""
    return "; ".join(note for note in notes if note is not None)
