"""The `signals` table: an outbox. A row is written in the transaction of its cause, and told after it."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple

from opinionscope.records import INTERNAL, Millis, Seconds
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rows import StoredRow, count_filtered, select_filtered
from opinionscope.times import to_millis_text

State = Literal["pending", "sent", "suppressed", "failed"]
STATES: tuple[State, ...] = ("pending", "sent", "suppressed", "failed")


class NewSignal(NamedTuple):
    """A signal to be stored, under the names of the columns. Times are ISO text; None where it has no such thing."""

    rule_id: int
    rule: str
    kind: str
    detected_at: str
    state: State
    document: str
    reason: str | None = None
    whale_address: str | None = None
    market_external_id: str | None = None
    outcome_side: int | None = None
    action: str | None = None
    change: str | None = None
    fills: int | None = None
    shares: float | None = None
    amount: float | None = None
    price: float | None = None
    first_fill_at: str | None = None
    last_fill_at: str | None = None
    fill_ids: str = "[]"


class OrderFigures(NamedTuple):
    """What changes in a signal when further fills of its order arrive, under the names of the columns."""

    change: str | None
    fills: int
    shares: float
    amount: float
    price: float | None
    first_fill_at: str
    last_fill_at: str
    fill_ids: str
    document: str


class EarlierSignal(NamedTuple):
    """A signal about an order of a wallet, as far as a later one depends on it. Times are ISO text."""

    id: int
    rule_id: int
    market_external_id: str
    outcome_side: int
    action: str
    amount: float
    first_fill_at: str
    last_fill_at: str
    detected_at: str
    state: State
    reason: str | None
    attempts: int
    told_in: int | None
    fill_ids: str


@dataclass(frozen=True)
class StoredSignal(StoredRow):
    """A signal. `document` is what was or will be told; amounts are in the quote token.

    `uid` stands for it outside: an `id` is given again to another signal when a backup has been put back.
    """

    TABLE: ClassVar[str] = "signals"

    id: int
    uid: str
    rule_id: int
    rule: str
    kind: str
    whale_address: str | None
    market_external_id: str | None
    outcome_side: int | None
    action: str | None
    change: str | None
    fills: int | None
    shares: float | None
    amount: float | None
    price: float | None
    first_fill_at: Seconds | None
    last_fill_at: Seconds | None
    detected_at: Millis
    state: str
    reason: str | None
    attempts: int
    sent_at: Millis | None
    told_in: int | None
    document: str = field(metadata=INTERNAL)

    @property
    def told(self) -> dict[str, Any]:
        """The document, parsed."""
        return dict(json.loads(self.document))

    def as_document(self) -> dict[str, Any]:
        """The row as JSON shows it, with its document."""
        return super().as_document() | {"document": self.told}


_UID_BYTES = 8
_NEW_COLUMNS = NewSignal._fields
_ORDER_COLUMNS = OrderFigures._fields
_EARLIER_COLUMNS = EarlierSignal._fields
_INSERT = f"""
    INSERT INTO signals (uid, {", ".join(_NEW_COLUMNS)}) VALUES (?, {", ".join("?" * len(_NEW_COLUMNS))})
"""  # noqa: S608
_UPDATE = f"UPDATE signals SET {', '.join(f'{name} = ?' for name in _ORDER_COLUMNS)} WHERE id = ?"  # noqa: S608
_SELECT_EARLIER = f"SELECT {', '.join(_EARLIER_COLUMNS)} FROM signals WHERE kind = 'order' AND "  # noqa: S608
_CONDITIONS = {
    "rule": "rule = :rule",
    "whale": "whale_address = :whale",
    "state": "state = :state",
    "since": "detected_at >= :since",
}


def insert_signal(transaction: Transaction, signal: NewSignal, targets: Sequence[str] = ()) -> int:
    """Store a signal, pending for each of the targets; its id."""
    uid = secrets.token_hex(_UID_BYTES)
    signal_id = int(transaction.execute(_INSERT, (uid, *signal)).lastrowid or 0)
    add_deliveries(transaction, signal_id, targets)
    return signal_id


def add_deliveries(transaction: Transaction, signal_id: int, targets: Sequence[str]) -> None:
    """Have a signal delivered to the targets."""
    for target in targets:
        transaction.execute(
            "INSERT OR IGNORE INTO signal_deliveries (signal_id, target, state) VALUES (?, ?, 'pending')",
            (signal_id, target),
        )


def update_figures(transaction: Transaction, signal_id: int, figures: OrderFigures) -> None:
    """Bring a signal that nobody was told of up to date with its order."""
    transaction.execute(_UPDATE, (*figures, signal_id))


def set_document(transaction: Transaction, signal_id: int, document: str, amount: float | None) -> None:
    """Write what is to be told."""
    transaction.execute("UPDATE signals SET document = ?, amount = ? WHERE id = ?", (document, amount, signal_id))


def suppress(transaction: Transaction, signal_id: int, reason: str) -> None:
    """Keep a signal, and tell nobody else of it. It stays sent where a target has been told."""
    transaction.execute("DELETE FROM signal_deliveries WHERE signal_id = ? AND state = 'pending'", (signal_id,))
    transaction.execute(
        "UPDATE signals SET state = iif(EXISTS (SELECT 1 FROM signal_deliveries "
        "WHERE signal_id = signals.id AND state = 'sent'), 'sent', 'suppressed'), reason = ? WHERE id = ?",
        (reason, signal_id),
    )


def revive(transaction: Transaction, signal_id: int, state: State, reason: str | None, targets: Sequence[str]) -> None:
    """Have a suppressed signal told after all, or suppress it for another reason."""
    transaction.execute("UPDATE signals SET state = ?, reason = ? WHERE id = ?", (state, reason, signal_id))
    add_deliveries(transaction, signal_id, targets)


def suppress_untold_of_rules(transaction: Transaction, rule_ids: Sequence[int], reason: str, *, kept: str) -> None:
    """Suppress what the rules have pending, and what they keep to tell later: `kept` is the reason of those."""
    untold = "SELECT id FROM signals WHERE rule_id = ? AND (state = 'pending' OR state = 'suppressed' AND reason = ?)"
    for rule_id in rule_ids:
        for row in transaction.execute(untold, (rule_id, kept)).fetchall():
            suppress(transaction, row[0], reason)


def find_earlier(
    transaction: Transaction, address: str, *, last_fill_from: str, detected_from: str
) -> list[EarlierSignal]:
    """The signals about a wallet's orders with a fill, or detected, at these moments or later (ISO text), by id."""
    rows = transaction.execute(
        f"{_SELECT_EARLIER} whale_address = ? AND last_fill_at >= ? "
        f"UNION {_SELECT_EARLIER} whale_address = ? AND detected_at >= ? ORDER BY id",
        (address, last_fill_from, address, detected_from),
    )
    return [EarlierSignal(*row) for row in rows.fetchall()]


class DigestedOrder(NamedTuple):
    """An order that a digest tells of."""

    id: int
    document: str


def find_for_digest(transaction: Transaction, rule_id: int, reason: str, until: datetime) -> list[DigestedOrder]:
    """The orders that wait for the digest of a rule, detected until then."""
    rows = transaction.execute(
        "SELECT id, document FROM signals WHERE rule_id = ? AND kind = 'order' AND state = 'suppressed' "
        "AND reason = ? AND told_in IS NULL AND detected_at <= ? ORDER BY first_fill_at, id",
        (rule_id, reason, to_millis_text(until)),
    )
    return [DigestedOrder(*row) for row in rows.fetchall()]


def note_told_in(transaction: Transaction, signal_ids: Sequence[int], told_in: int) -> None:
    """Note which signal tells of these."""
    reason = f"told in signal {told_in}"
    transaction.executemany(
        "UPDATE signals SET told_in = ?, reason = ? WHERE id = ?",
        [(told_in, reason, signal_id) for signal_id in signal_ids],
    )


def find_signals(
    store: Store,
    *,
    rule: str | None = None,
    whale: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> Iterator[StoredSignal]:
    """Signals, newest first."""
    filters = _filters(rule, whale, state, since)
    return select_filtered(store, StoredSignal, _CONDITIONS, filters, order="id DESC", limit=limit)


def has_signals_of(store: Store, rule: str) -> bool:
    """Whether there are signals of a rule of this name."""
    return bool(store.value("SELECT EXISTS (SELECT 1 FROM signals WHERE rule = ?)", (rule,)))


def count_signals(
    store: Store,
    *,
    rule: str | None = None,
    whale: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
) -> int:
    """How many signals `find_signals` finds without a limit."""
    return count_filtered(store, StoredSignal, _CONDITIONS, _filters(rule, whale, state, since))


def _filters(rule: str | None, whale: str | None, state: str | None, since: datetime | None) -> dict[str, object]:
    moment = None if since is None else to_millis_text(since)
    return {"rule": rule, "whale": whale, "state": state, "since": moment}


def count_old_signals(store: Store, older_than: datetime) -> int:
    """How many signals a purge would delete."""
    sql = "SELECT count(*) FROM signals WHERE detected_at < ? AND state <> 'pending'"
    return int(store.value(sql, (to_millis_text(older_than),)))


def purge_signals(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` signals that were detected before the moment and are not pending; how many."""
    with store.transaction() as connection:
        rows = connection.execute(
            "SELECT id FROM signals WHERE detected_at < ? AND state <> 'pending' ORDER BY detected_at LIMIT ?",
            (to_millis_text(older_than), batch),
        ).fetchall()
        connection.executemany("DELETE FROM signal_deliveries WHERE signal_id = ?", rows)
        connection.executemany("DELETE FROM signals WHERE id = ?", rows)
    return len(rows)
