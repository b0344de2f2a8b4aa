"""The `merged_news` table: trades that merges have brought and that the rules have not looked at yet."""

import json
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from opinionscope.store.database import Store, Transaction
from opinionscope.store.merged_trades import SAME_TRADE, LastTrade, find_last_taken
from opinionscope.store.mirroring import TRADES
from opinionscope.store.whale_activity import NewTrade, find_last_trade

_COLUMNS = NewTrade._fields
_NOTE = f"""
    INSERT OR REPLACE INTO main.merged_news ({", ".join(TRADES.key)}, source_id, trade, first_seen_at)
    SELECT {", ".join(f"ours.{name}" for name in TRADES.key)}, wallet.source_id, theirs.id, theirs.first_seen_at
    FROM main.whale_activity AS ours
        JOIN source.whale_activity AS theirs ON {SAME_TRADE}
        JOIN source.whales AS whale ON whale.address = ours.whale_address
        JOIN main.merged_wallets AS wallet ON wallet.whale_address = ours.whale_address AND wallet.followed = 1
    WHERE ours.id > :stored_before AND theirs.first_seen_at > whale.history_read_at
        AND iif(wallet.news_after IS NULL, theirs.id > :after OR theirs.first_seen_at > :seen_at,
            theirs.first_seen_at > wallet.news_after)
"""  # noqa: S608
# A source may correct a trade before the rules have looked at it, which changes its key.
_FOLLOW_CORRECTIONS = f"""
    UPDATE OR REPLACE main.merged_news AS news
    SET timestamp = ours.timestamp, fingerprint = ours.fingerprint, copy = ours.copy
    FROM source.whale_activity AS theirs JOIN main.whale_activity AS ours ON {SAME_TRADE}
    WHERE news.whale_address IN (SELECT value FROM json_each(:rewritten)) AND news.source_id = :source
        AND theirs.id = news.trade AND theirs.whale_address = news.whale_address
        AND theirs.first_seen_at = news.first_seen_at
        AND (theirs.timestamp, theirs.fingerprint, theirs.copy) <> (news.timestamp, news.fingerprint, news.copy)
"""  # noqa: S608
_NEWS = f"""
    SELECT ours.whale_address, {", ".join(f"ours.{name}" for name in _COLUMNS)}
    FROM merged_news AS theirs CROSS JOIN whale_activity AS ours ON {SAME_TRADE}
    WHERE theirs.whale_address IN (SELECT value FROM json_each(?)) AND theirs.ready = 1 AND ours.withdrawn_at IS NULL
    ORDER BY ours.whale_address, ours.id
"""  # noqa: S608
_FORGET_FILLS_GONE = """
    UPDATE main.signals SET fill_ids = (
        SELECT json_group_array(value) FROM json_each(fill_ids)
        WHERE EXISTS (SELECT 1 FROM main.whale_activity AS trade WHERE trade.id = value))
    WHERE whale_address IN (SELECT value FROM json_each(?)) AND EXISTS (
        SELECT 1 FROM json_each(fill_ids)
        WHERE NOT EXISTS (SELECT 1 FROM main.whale_activity AS trade WHERE trade.id = value))
"""


class Before(NamedTuple):
    """What there was before a transaction brought trades: the last one stored (its id), and the last one taken."""

    stored: int
    taken: LastTrade


def forget_fills_gone(transaction: Transaction, wallets: Collection[str]) -> None:
    """Have the signals of these wallets name no trade that has just been deleted: the next one may get its id."""
    transaction.execute(_FORGET_FILLS_GONE, (json.dumps(list(wallets)),))


def look_before(transaction: Transaction, source_id: int) -> Before:
    """What there is before trades are brought.

    Trades that are to be deleted must be gone by now: the ids of the last ones are given again.
    """
    return Before(find_last_trade(transaction), find_last_taken(transaction, source_id))


def note_news(transaction: Transaction, source_id: int, before: Before, rewritten: Collection[str]) -> None:
    """Note which of the trades that the transaction has brought from the attached source are news.

    News is what the source saw after the trade that was taken last, of a wallet whose whole history it had read by
    then, and of which everything has been here before. Of a wallet that was taken from another source until now, it is
    what was seen after that one's last poll. `rewritten` are the wallets of which stored trades have changed.
    """
    parameters = {"stored_before": before.stored, "after": before.taken.id, "seen_at": before.taken.seen_at}
    transaction.execute(_FOLLOW_CORRECTIONS, {"source": source_id, "rewritten": json.dumps(list(rewritten))})
    transaction.execute(_NOTE, parameters)


def release_news(transaction: Transaction, source_id: int) -> None:
    """Note that everything in the attached source is here, so that the rules may look at its news."""
    transaction.execute("UPDATE main.merged_news SET ready = 1 WHERE source_id = ? AND ready = 0", (source_id,))


def has_news(store: Store) -> bool:
    """Whether there is anything for the rules to look at."""
    return store.value("SELECT 1 FROM merged_news WHERE ready = 1 LIMIT 1") is not None


def find_wallets_with_news(transaction: Transaction, most: int) -> list[str]:
    """Up to `most` wallets with news for the rules, sorted by address."""
    rows = transaction.execute(
        "SELECT DISTINCT whale_address FROM merged_news WHERE ready = 1 ORDER BY whale_address LIMIT ?", (most,)
    )
    return [row[0] for row in rows]


def find_news(transaction: Transaction, wallets: Collection[str]) -> Iterator[tuple[str, list[NewTrade]]]:
    """The news of these wallets, wallet by wallet, without trades that are gone again or were withdrawn."""
    rows = transaction.execute(_NEWS, (json.dumps(list(wallets)),)).fetchall()
    for address, trades in groupby(rows, key=itemgetter(0)):
        yield address, [NewTrade(*tuple(row)[1:]) for row in trades]


def forget_news(transaction: Transaction, wallets: Collection[str]) -> None:
    """Note that the rules have looked at all news of these wallets."""
    transaction.execute(
        "DELETE FROM merged_news WHERE ready = 1 AND whale_address IN (SELECT value FROM json_each(?))",
        (json.dumps(list(wallets)),),
    )
