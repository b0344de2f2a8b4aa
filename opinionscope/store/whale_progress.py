"""How far each wallet's history has been read: columns of `whales`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from opinionscope.completeness import Completeness, judge_completeness
from opinionscope.store.database import Store, Transaction
from opinionscope.store.shards import TRACKED_HERE
from opinionscope.times import to_millis_text


class ReadingProgress(NamedTuple):
    """How far a wallet's list of trades has been read. Saved in the transaction of the trades it describes.

    `known_trades` counts each trade that was ever stored or counted and is not withdrawn. `resume_position` is how
    many of the newest entries of the list have been read without a gap while something below them has not; None if
    nothing is left. `history_read_at` is when the end of the list was first reached, `whole_read_at` when a reading
    last showed all of it. `newest_page` is the digest of the first page's answer, if that was the last page read, all
    of it was readable, and it left no question open.

    The following describe readings that go deeper because something is missing or doubted. `settled_difference` is the
    difference after the last one that ended, `fruitless_rereads` counts those in a row that changed nothing, and
    `reread_after` is when the next one is due.

    `doubted`: something has contradicted what is known, and only an audit can settle it, a whole reading that does not
    stop where the numbers agree. Of the audit in progress, `audit_began_at` is when it began, `audit_total` the
    exchange's count then, and `audit_is_sound` whether all its pages could be believed. `missed` counts the trades that
    the list should show but does not. `waiting` counts those that wait for confirmation; `waiting_from` is the unix
    second of the earliest that only the last run has seen. `ahead_since` is since when more trades are known than the
    exchange counts.

    `looked_through_at` is when known trades were last looked at again. The next look reads down to the unix seconds
    `new_from` and `recheck_from`: those of the earliest young trade that became known since, and of those that were
    too young at the last look.

    `unordered`: the list is not ordered by time. `listed_newest` is how many entries the exchange lists at most, if it
    counts more, and `deep_failures` how often in a row the page below position `failed_below` failed. `standing` is the
    last word on completeness, and `standing_since` when it became that.
    """

    known_trades: int
    api_total: int | None
    history_read_at: str | None
    resume_position: int | None
    settled_difference: int
    fruitless_rereads: int
    reread_after: str | None
    newest_page: bytes | None
    doubted: int
    missed: int
    waiting: int
    waiting_from: int | None
    unordered: int
    ahead_since: str | None
    audit_began_at: str | None
    audit_total: int | None
    audit_is_sound: int
    whole_read_at: str | None
    looked_through_at: str | None
    new_from: int | None
    recheck_from: int | None
    listed_newest: int | None
    deep_failures: int
    failed_below: int | None
    standing: str | None
    standing_since: str | None

    @property
    def completeness(self) -> Completeness:
        """How much of the history is known."""
        return judge_completeness(
            total=self.api_total,
            known=self.known_trades,
            end_reached=self.end_reached,
            reading=self.resume_position is not None,
            doubted=self.is_doubted,
        )

    @property
    def is_doubted(self) -> bool:
        """Whether numbers that agree do not prove that the history is complete."""
        return bool(self.doubted or self.missed or self.waiting)

    @property
    def end_reached(self) -> bool:
        """Whether the list was ever read to its end."""
        return self.history_read_at is not None

    @property
    def difference(self) -> int:
        """The exchange's count minus the known trades; below zero where it counts fewer."""
        return 0 if self.api_total is None else self.api_total - self.known_trades


class Wallet(NamedTuple):
    """A tracked wallet, how far it had been read when the run began, and how many of its trades were in no sum yet."""

    id: int
    address: str
    progress: ReadingProgress
    unsummed: int


_COLUMNS = ReadingProgress._fields


def find_wallets(store: Store, ids: Sequence[int] | None = None) -> list[Wallet]:
    """The wallets tracked here, or those of these ids, in their order."""
    among = "" if ids is None else " AND id IN (SELECT value FROM json_each(?))"
    rows = store.query(
        f"SELECT id, address, unsummed, {', '.join(_COLUMNS)} FROM whales WHERE {TRACKED_HERE}{among} ORDER BY id",  # noqa: S608
        () if ids is None else (json.dumps(ids),),
    )
    wallets = {row[0]: Wallet(row[0], row[1], ReadingProgress(*row[3:]), row[2]) for row in rows}
    return [wallets[each] for each in (wallets if ids is None else ids) if each in wallets]


def save_progress(transaction: Transaction, wallet_id: int, progress: ReadingProgress, now: datetime) -> None:
    """Store how far the wallet has been read, in the transaction that stores what was read."""
    word = progress.completeness.word
    if word != progress.standing:
        progress = progress._replace(standing=word, standing_since=to_millis_text(now))
    transaction.execute(
        f"UPDATE whales SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?",  # noqa: S608
        (*progress, wallet_id),
    )


def doubt_history(store: Store, address: str) -> None:
    """Have all of a wallet's list read again, whatever is known of it."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE whales SET doubted = 1, unordered = 0, resume_position = NULL, fruitless_rereads = 0, "
            "reread_after = NULL, newest_page = NULL, listed_newest = NULL, deep_failures = 0, whole_read_at = NULL, "
            "audit_began_at = NULL, audit_total = NULL, audit_is_sound = 0 WHERE address = ?",
            (address,),
        )
