"""What a merged database has to be: worked out from its sources by other means than those of the merge."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

OF_WALLETS = {
    "whale_activity": {"id"},
    "positions": {"id", "figures_due"},
    "whale_questions": set[str](),
    "record_parts": set(),
    "whale_tags": set(),
    "whales": {"id", "rewritten", "judged"},
}
"""The tables whose rows belong to wallets, and their columns that are each database's own."""
Rows = list[tuple[Any, ...]]


def rows_of(database: Path, sql: str) -> Rows:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def in_order(rows: Iterable[tuple[Any, ...]]) -> Rows:
    return sorted(rows, key=repr)


def content(database: Path) -> dict[str, Rows]:
    """What a database knows of its own wallets, and of the markets with the names of their columns."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        found = dict[str, Rows]()
        for table, own in OF_WALLETS.items():
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in own]
            wallet = "address" if table == "whales" else "whale_address"
            where = f"{wallet} IN (SELECT address FROM whales WHERE elsewhere = 0)"
            found[table] = connection.execute(f"SELECT {', '.join(names)} FROM {table} WHERE {where}").fetchall()
        found["whale_hours"] = connection.execute(
            "SELECT address, hour, volume FROM whale_hours JOIN whales ON whales.id = whale_id WHERE elsewhere = 0"
        ).fetchall()
        cursor = connection.execute("SELECT * FROM markets")
        found["markets"] = [tuple(zip((each[0] for each in cursor.description), row, strict=True)) for row in cursor]
        return found


def assert_latest(merged: Rows, sources: Sequence[Rows]) -> None:
    """Each market is as a database knows it that updated it last, first seen when the first one saw it."""
    known: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in (dict(row) for rows in sources for row in rows):
        known.setdefault((row["external_id"], row["market_type"] == "categorical"), []).append(row)
    assert len(merged) == len(known)
    for row in map(dict, merged):
        candidates = known[row["external_id"], row["market_type"] == "categorical"]
        newest = max(each["updated_at"] for each in candidates)
        first_seen = {"first_seen_at": min(each["first_seen_at"] for each in candidates)}
        assert row in [each | first_seen for each in candidates if each["updated_at"] == newest]


def assert_union(target: Path, sources: Sequence[Path], *, with_markets: bool = True) -> None:
    """The merged database holds what its sources hold of their own wallets, and nothing else."""
    merged, parts = content(target), [content(source) for source in sources]
    for table in (*OF_WALLETS, "whale_hours"):
        assert in_order(merged[table]) == in_order(row for part in parts for row in part[table]), table
    if with_markets:
        assert_latest(merged["markets"], [part["markets"] for part in parts])
