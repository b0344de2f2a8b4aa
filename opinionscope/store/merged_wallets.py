"""The `merged_wallets` table: which source each wallet is taken from, and what it was like when it was taken."""

import json
from collections.abc import Collection, Iterable
from typing import NamedTuple

from opinionscope.store.database import Store, Transaction


class ListedWallet(NamedTuple):
    """A wallet in a source that polls it, or did.

    `polled_at` (ISO text) is when it was last polled without an error, `rewritten` counts changes to its trades.
    """

    address: str
    enabled: bool
    polled_at: str | None
    rewritten: int


class Adoption(NamedTuple):
    """A wallet that is to be taken from a source. `rewritten` is what it has there."""

    address: str
    source_id: int
    rewritten: int


class UnpolledWallet(NamedTuple):
    """A wallet that is on the list of a source and that none polls, under the names of the columns."""

    address: str
    name: str | None
    source: str
    enabled: int
    added_at: str
    tracked_since: str | None


_UNPOLLED = UnpolledWallet._fields
_INSERT_UNPOLLED = f"""
    INSERT INTO whales ({", ".join(_UNPOLLED)}, elsewhere) VALUES ({", ".join("?" * len(_UNPOLLED))}, 1)
    ON CONFLICT (address) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, elsewhere = 1
    WHERE (name, enabled, elsewhere) IS NOT (excluded.name, excluded.enabled, 1)
"""  # noqa: S608
_COUNTERS = ("rewritten", "judged", "known_trades", "unsummed", "positions_checked_at")
_CHANGED = f"""
    SELECT wallet.whale_address FROM main.merged_wallets AS wallet
        JOIN source.whales AS whale ON whale.address = wallet.whale_address
    WHERE source_id = ?
        AND ({", ".join(f"wallet.{name}" for name in _COUNTERS)}) IS NOT
            ({", ".join(f"whale.{name}" for name in _COUNTERS)})
"""  # noqa: S608
_REWRITTEN = """
    SELECT wallet.whale_address FROM main.merged_wallets AS wallet
        JOIN source.whales AS whale ON whale.address = wallet.whale_address
    WHERE whale_address IN (SELECT value FROM json_each(?)) AND wallet.rewritten IS NOT whale.rewritten
"""
# Two machines may see a trade, and read their clocks, minutes apart. A trade that is here already is no news anyway.
_ADOPT = """
    INSERT OR REPLACE INTO merged_wallets (whale_address, source_id, rewritten, followed, news_after)
    SELECT :address, taken.id,
        iif(last_trade > 0 OR EXISTS (SELECT 1 FROM whale_activity WHERE whale_address = :address), NULL, :rewritten),
        ifnull(before.followed AND last_synced_at IS NOT NULL, 0),
        iif(before.followed, strftime('%Y-%m-%dT%H:%M:%fZ', last_synced_at, '-10 minutes'), NULL)
    FROM merged_databases AS taken
        LEFT JOIN merged_wallets AS before ON before.whale_address = :address
        LEFT JOIN whales ON address = :address
    WHERE taken.id = :source_id
"""
_NOTE_TAKEN = f"""
    UPDATE main.merged_wallets SET ({", ".join(_COUNTERS)}) = (
        SELECT {", ".join(_COUNTERS)} FROM source.whales WHERE address = whale_address)
    WHERE whale_address IN (SELECT value FROM json_each(?))
"""  # noqa: S608


def find_polled(store: Store) -> list[ListedWallet]:
    """The wallets that a source polls, and those that it has polled before they were removed."""
    rows = store.query("SELECT address, enabled, last_synced_at, rewritten FROM whales WHERE elsewhere = 0")
    return [ListedWallet(row[0], bool(row[1]), row[2], row[3]) for row in rows]


def find_left_to_others(store: Store) -> set[str]:
    """The wallets on the list of a source that it leaves to the other shards."""
    return {row[0] for row in store.query("SELECT address FROM whales WHERE elsewhere = 1")}


def find_unpolled(store: Store, addresses: Collection[str]) -> list[UnpolledWallet]:
    """These wallets, as the source lists them."""
    rows = store.query(
        f"SELECT {', '.join(_UNPOLLED)} FROM whales WHERE address IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps(sorted(addresses)),),
    )
    return [UnpolledWallet(*row) for row in rows]


def find_owners(transaction: Transaction) -> dict[str, int]:
    """The source that each wallet is taken from, by address."""
    return dict(tuple(row) for row in transaction.execute("SELECT whale_address, source_id FROM merged_wallets"))


def adopt(transaction: Transaction, adoptions: Iterable[Adoption]) -> None:
    """Take these wallets from other sources than before.

    Of a wallet of which there are trades already, and of one that comes after trades of the source were taken, all
    trades are compared; those of any other one are copied with the source's. One that was followed stays so: what was
    seen of it later than here is news.
    """
    rows = [adoption._asdict() for adoption in adoptions]
    transaction.executemany(_ADOPT, rows)
    transaction.executemany("UPDATE merged_news SET source_id = :source_id WHERE whale_address = :address", rows)


def abandon(transaction: Transaction, addresses: Iterable[str]) -> None:
    """Keep these wallets although no source polls them any more."""
    wallets = [(address,) for address in addresses]
    transaction.executemany("DELETE FROM merged_wallets WHERE whale_address = ?", wallets)
    transaction.executemany("UPDATE whales SET elsewhere = 1 WHERE address = ?", wallets)


def keep_unpolled(transaction: Transaction, wallets: Iterable[UnpolledWallet]) -> None:
    """List these wallets, so that nobody thinks that they do not exist, or that they were polled."""
    transaction.executemany(_INSERT_UNPOLLED, wallets)


def count_unpolled(store: Store) -> int:
    """How many tracked wallets no source polls."""
    return int(store.value("SELECT count(*) FROM whales WHERE elsewhere = 1 AND enabled = 1"))


def find_taken(transaction: Transaction, source_id: int) -> list[str]:
    """The wallets that are taken from the source."""
    rows = transaction.execute("SELECT whale_address FROM merged_wallets WHERE source_id = ?", (source_id,))
    return [row[0] for row in rows]


def find_changed(transaction: Transaction, source_id: int) -> list[str]:
    """The wallets whose trades, positions or questions have changed in the attached source since they were taken."""
    return [row[0] for row in transaction.execute(_CHANGED, (source_id,))]


def find_rewritten(transaction: Transaction, addresses: Collection[str]) -> list[str]:
    """Those of the wallets of which stored trades have changed in the attached source."""
    return [row[0] for row in transaction.execute(_REWRITTEN, (json.dumps(list(addresses)),))]


def only_new(transaction: Transaction, addresses: Collection[str]) -> list[str]:
    """Those of the wallets of which not everything has been here yet."""
    rows = transaction.execute(
        "SELECT whale_address FROM main.merged_wallets WHERE followed = 0 "
        "AND whale_address IN (SELECT value FROM json_each(?))",
        (json.dumps(list(addresses)),),
    )
    return [row[0] for row in rows]


def note_taken(transaction: Transaction, addresses: Collection[str]) -> None:
    """Note what these wallets are like in the attached source now that they have been taken from it."""
    transaction.execute(_NOTE_TAKEN, (json.dumps(list(addresses)),))


def follow(transaction: Transaction, source_id: int) -> None:
    """From now on what comes of the source's wallets is news, and they count as polled."""
    transaction.execute(
        "UPDATE main.merged_wallets SET followed = 1, news_after = NULL "
        "WHERE source_id = ? AND (followed = 0 OR news_after IS NOT NULL)",
        (source_id,),
    )
    transaction.execute(
        "UPDATE main.whales SET elsewhere = 0 WHERE elsewhere = 1 "
        "AND address IN (SELECT whale_address FROM main.merged_wallets WHERE source_id = ?)",
        (source_id,),
    )
