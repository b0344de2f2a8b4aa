"""The `merged_databases` table: the databases that a merged one is made of. An ordinary database has none."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple

from opinionscope.errors import DatabaseMisconfigured, OpinionscopeError
from opinionscope.known_databases import is_missing
from opinionscope.records import INTERNAL, Flag, Millis, Texts
from opinionscope.shards import Shard
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rows import StoredRow, select
from opinionscope.times import to_millis_text

_DOUBT_REPLACED = """
    UPDATE main.merged_wallets SET rewritten = NULL WHERE source_id = :source AND EXISTS (
        SELECT 1 FROM main.merged_databases AS taken
            LEFT JOIN source.whale_activity AS trade ON trade.id = taken.last_trade
            LEFT JOIN source.sync_logs AS run ON run.id = taken.last_run
        WHERE taken.id = :source AND (
            (last_trade > 0 AND (whale_address, first_seen_at) IS NOT (last_trade_wallet, last_trade_seen_at))
            OR (last_run > 0 AND started_at IS NOT last_run_started_at)))
"""
_NOTE_LAST_RUN = """
    UPDATE main.merged_databases SET last_run = run.id, last_run_started_at = run.started_at
    FROM (SELECT id, started_at FROM source.sync_logs ORDER BY id DESC LIMIT 1) AS run
    WHERE merged_databases.id = :source AND (last_run, last_run_started_at) IS NOT (run.id, run.started_at)
"""


@dataclass(frozen=True)
class MergedDatabase(StoredRow):
    """A source: which part of `parts` it polls, when it was last merged, and how many `wallets` are taken from it.

    `error` says why the last merge could not read it. `problems` are those that its jobs had when it was last read.
    `followed`: all of it is here, so that what comes next is news.
    """

    TABLE: ClassVar[str] = "merged_databases"

    path: str
    part: int | None
    parts: int | None
    wallets: int = field(
        metadata={"column": "(SELECT count(*) FROM merged_wallets WHERE source_id = merged_databases.id)"}
    )
    merged_at: Millis | None
    error: str | None
    problems: Texts
    id: int = field(metadata=INTERNAL)
    followed: Flag = field(metadata=INTERNAL)


class Looked(NamedTuple):
    """What is noted of a source when it is read. `shard` is None where it polls all of its wallets."""

    shard: Shard | None
    problems: Sequence[str]


def is_merged(store: Store) -> bool:
    """Whether the database is made of others."""
    return store.value("SELECT 1 FROM merged_databases LIMIT 1") is not None


def is_merged_file(path: Path) -> bool:
    """Whether the database at `path` is made of others; False where that cannot be told."""
    with suppress(OpinionscopeError, OSError):
        if not is_missing(path):
            with Store.open_to_read(path) as store:
                return is_merged(store)
    return False


def refuse_merged(store: Store) -> None:
    """Raise DatabaseMisconfigured if the database is made of others: the next merge would undo what is done to it."""
    if is_merged(store):
        raise DatabaseMisconfigured(
            f"{store.path} is a merged database: run the jobs and change the wallets on the databases it is made of."
        )


def has_own_content(store: Store) -> bool:
    """Whether jobs have run on the database, or wallets were added to it. Rules alone are none of its content."""
    return bool(
        store.value(
            "SELECT EXISTS (SELECT 1 FROM whales) OR EXISTS (SELECT 1 FROM sync_logs) OR EXISTS (SELECT 1 FROM markets)"
        )
    )


def find_sources(store: Store) -> list[MergedDatabase]:
    """The sources, in the order in which they were first named."""
    return select(store, MergedDatabase, "ORDER BY id")


def register_sources(transaction: Transaction, paths: Iterable[str]) -> None:
    """Note sources that are new, and forget those that are not named any more and from which nothing is taken."""
    names = list(paths)
    transaction.executemany(
        "INSERT INTO merged_databases (path) SELECT :path WHERE :path NOT IN (SELECT path FROM merged_databases)",
        [{"path": path} for path in names],
    )
    transaction.execute(
        "DELETE FROM merged_databases WHERE path NOT IN (SELECT value FROM json_each(?)) "
        "AND id NOT IN (SELECT source_id FROM merged_wallets)",
        (json.dumps(names),),
    )


def doubt_replaced(transaction: Transaction, source_id: int) -> None:
    """Have everything compared if the attached source is not the one that it was, as after `restore`.

    The last trade that was taken from it is another one then, or is gone, or so is its last run. They may have been
    purged, but that is rare.
    """
    transaction.execute(_DOUBT_REPLACED, {"source": source_id})


def note_last_run(transaction: Transaction, source_id: int) -> None:
    """Note the last run of the attached source, whatever became of it."""
    transaction.execute(_NOTE_LAST_RUN, {"source": source_id})


def note_unreadable(store: Store, source_id: int, error: str) -> None:
    """Note why a source could not be merged."""
    with store.transaction() as transaction:
        transaction.execute("UPDATE merged_databases SET error = ? WHERE id = ?", (error, source_id))


def note_merged(transaction: Transaction, source_id: int, looked: Looked, now: datetime) -> None:
    """Note that all that the attached source has is here."""
    note_last_run(transaction, source_id)
    part, parts = (None, None) if looked.shard is None else (looked.shard.part, looked.shard.parts)
    transaction.execute(
        "UPDATE main.merged_databases SET part = ?, parts = ?, problems = ?, merged_at = ?, error = NULL, "
        "followed = 1, deleted = (SELECT deleted FROM source.purges) WHERE id = ?",
        (part, parts, json.dumps(list(looked.problems)), to_millis_text(now), source_id),
    )
