"""Making what a table says of some wallets what the attached database says of them, writing only what differs."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from opinionscope.store.database import Transaction


@dataclass(frozen=True)
class MirroredTable:
    """A table whose rows belong to wallets.

    `key` are the columns of a unique index, `wallet` the one of them that has the address. Columns that are each
    database's `own` are left out.
    """

    table: str
    key: tuple[str, ...]
    own: tuple[str, ...] = ()
    wallet: str = "whale_address"

    def columns(self, transaction: Transaction) -> list[str]:
        """The columns that are mirrored: a column that a later release adds is one of them."""
        rows = transaction.execute("SELECT name FROM pragma_table_info(?, 'main') ORDER BY cid", (self.table,))
        return [row[0] for row in rows if row[0] not in self.own]


TRADES = MirroredTable("whale_activity", ("whale_address", "timestamp", "fingerprint", "copy"), own=("id",))
WHALES = MirroredTable("whales", ("address",), own=("id", "rewritten", "judged", "elsewhere"), wallet="address")
TAGS = MirroredTable("whale_tags", ("whale_address", "tag"))
OF_FIGURES = (
    # When figures are due matters to the job that works them out, and that job runs on the source.
    MirroredTable(
        "positions",
        ("whale_address", "platform", "market_external_id", "outcome_side"),
        own=("id", "figures_due"),
    ),
    MirroredTable("whale_questions", ("whale_address", "platform", "part", "question")),
    MirroredTable("record_parts", ("whale_address", "platform", "part")),
)
"""What a wallet holds, and how it has done."""

_HOURS_GONE = """
    DELETE FROM main.whale_hours AS ours WHERE whale_id IN (
            SELECT id FROM main.whales WHERE address IN (SELECT value FROM json_each(?)))
        AND NOT EXISTS (
            SELECT 1 FROM main.whales AS whale JOIN source.whales AS same ON same.address = whale.address
                JOIN source.whale_hours AS theirs ON theirs.whale_id = same.id
            WHERE whale.id = ours.whale_id AND theirs.hour = ours.hour)
"""
_HOURS_THAT_DIFFER = """
    INSERT INTO main.whale_hours (whale_id, hour, volume)
    SELECT whale.id, theirs.hour, theirs.volume
    FROM source.whales AS same JOIN main.whales AS whale ON whale.address = same.address
        JOIN source.whale_hours AS theirs ON theirs.whale_id = same.id
    WHERE same.address IN (SELECT value FROM json_each(?)) AND NOT EXISTS (
        SELECT 1 FROM main.whale_hours AS ours
        WHERE ours.whale_id = whale.id AND ours.hour = theirs.hour AND ours.volume = theirs.volume)
    ON CONFLICT (whale_id, hour) DO UPDATE SET volume = excluded.volume
"""


def mirror(transaction: Transaction, mirrored: MirroredTable, wallets: Collection[str]) -> None:
    """Make the rows of these wallets those of the attached database."""
    delete_gone(transaction, mirrored, wallets)
    write_different(transaction, mirrored, wallets)


def delete_gone(transaction: Transaction, mirrored: MirroredTable, wallets: Collection[str]) -> None:
    """Delete the rows of these wallets that the attached database does not have."""
    table, among = mirrored.table, f"{mirrored.wallet} IN (SELECT value FROM json_each(?))"  # noqa: S608
    where = " AND ".join(f"ours.{name} = theirs.{name}" for name in mirrored.key)
    if wallets:
        transaction.execute(
            f"DELETE FROM main.{table} AS ours WHERE {among} "  # noqa: S608
            f"AND NOT EXISTS (SELECT 1 FROM source.{table} AS theirs WHERE {where})",
            (json.dumps(list(wallets)),),
        )


def write_different(transaction: Transaction, mirrored: MirroredTable, wallets: Collection[str]) -> None:
    """Take over the rows of these wallets that are new or different in the attached database."""
    table, columns = mirrored.table, mirrored.columns(transaction)
    among = f"{mirrored.wallet} IN (SELECT value FROM json_each(?))"  # noqa: S608
    where = " AND ".join(
        f"ours.{name} {'=' if name in mirrored.key else 'IS'} theirs.{name}" for name in (*mirrored.key, *columns)
    )
    wanted = f"{among} AND NOT EXISTS (SELECT 1 FROM main.{table} AS ours WHERE {where})"  # noqa: S608
    if wallets:
        transaction.execute(insertion(mirrored, columns, wanted), (json.dumps(list(wallets)),))


def insertion(mirrored: MirroredTable, names: Sequence[str], where: str) -> str:
    """The SQL that takes over the rows of the attached database that meet a condition, instead of those of their key.

    They come in the order in which they were stored there.
    """
    table, columns, key = mirrored.table, ", ".join(names), ", ".join(mirrored.key)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in mirrored.key)
    order = "id" if "id" in mirrored.own else key
    rest = f"UPDATE SET {changes}" if changes else "NOTHING"
    return f"""
        INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table} AS theirs
        WHERE {where} ORDER BY {order} ON CONFLICT ({key}) DO {rest}
    """  # noqa: S608


def mirror_hours(transaction: Transaction, wallets: Collection[str]) -> None:
    """The same for the hours in which these wallets traded, which are kept by the number of the wallet's own row."""
    addresses = json.dumps(list(wallets))
    transaction.execute(_HOURS_GONE, (addresses,))
    transaction.execute(_HOURS_THAT_DIFFER, (addresses,))
