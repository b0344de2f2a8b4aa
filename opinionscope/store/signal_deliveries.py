"""The tables `signal_deliveries` and `signal_targets`: how far each signal is at each target, and how targets do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from opinionscope.records import Millis
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rows import StoredRow, select
from opinionscope.store.signals import STATES
from opinionscope.times import to_millis_text

LONGEST_WAIT = timedelta(hours=1)
"""The longest time until a delivery is tried again. One that is due later was put off while the clock was ahead."""
_IS_DUE = "delivery.state = 'pending' AND ifnull(delivery.due_at <= :now OR delivery.due_at > :latest, TRUE)"


class Claim(NamedTuple):
    """A signal that is about to be told to a target. `attempts` counts this one."""

    signal_id: int
    uid: str
    target: str
    document: str
    detected_at: str
    attempts: int


class Waiting(NamedTuple):
    """A pending signal, with what a summary of several tells of it."""

    signal_id: int
    rule_id: int
    rule: str
    kind: str
    attempts: int
    document: str


@dataclass(frozen=True)
class TargetState(StoredRow):
    """How a target does. `failing_since` is None where the last attempt was accepted."""

    TABLE: ClassVar[str] = "signal_targets"

    target: str
    failing_since: Millis | None
    last_error: str | None
    last_sent_at: Millis | None


def _moments(now: datetime) -> dict[str, str]:
    return {"now": to_millis_text(now), "latest": to_millis_text(now + LONGEST_WAIT)}


def find_due_targets(store: Store, now: datetime) -> list[str]:
    """The targets for which a delivery is due."""
    rows = store.query(
        f"SELECT DISTINCT target FROM signal_deliveries AS delivery WHERE {_IS_DUE} ORDER BY target",  # noqa: S608
        _moments(now),
    )
    return [row[0] for row in rows]


def find_waiting(transaction: Transaction, target: str, now: datetime) -> list[Waiting]:
    """What is due at a target, by id."""
    rows = transaction.execute(
        "SELECT signal.id, rule_id, rule, kind, delivery.attempts, document FROM signal_deliveries AS delivery "  # noqa: S608
        f"JOIN signals AS signal ON signal.id = delivery.signal_id WHERE target = :target AND {_IS_DUE} "
        "ORDER BY signal_id",
        {"target": target, **_moments(now)},
    )
    return [Waiting(*row) for row in rows.fetchall()]


def fold(transaction: Transaction, signal_ids: Sequence[int], target: str, summary: int, reason: str) -> None:
    """Have a target told of the signals in a summary, instead of one by one."""
    transaction.executemany(
        "UPDATE signal_deliveries SET state = 'suppressed', reason = ? WHERE signal_id = ? AND target = ?",
        [(reason, signal_id, target) for signal_id in signal_ids],
    )
    for signal_id in signal_ids:
        _conclude(transaction, signal_id)
        transaction.execute(
            "UPDATE signals SET told_in = ? WHERE id = ? AND state = 'suppressed'", (summary, signal_id)
        )


def claim(store: Store, target: str, now: datetime, tried: Sequence[int]) -> Claim | None:
    """The next signal that is due at the target, but for those `tried`; None if there is none.

    It counts as told from this moment on, because nobody can know whether an attempt that is cut short has arrived.
    """
    parameters = {"target": target, **_moments(now)}
    places = ", ".join(str(int(signal_id)) for signal_id in tried)
    with store.transaction() as connection:
        row = connection.execute(
            "SELECT signal_id, uid, delivery.attempts, document, detected_at FROM signal_deliveries AS delivery "  # noqa: S608
            f"JOIN signals AS signal ON signal.id = signal_id WHERE target = :target AND {_IS_DUE} "
            f"AND signal_id NOT IN ({places}) ORDER BY signal_id LIMIT 1",
            parameters,
        ).fetchone()
        if row is None:
            return None
        signal_id, attempts = row["signal_id"], row["attempts"] + 1
        connection.execute(
            "UPDATE signal_deliveries SET attempts = ? WHERE signal_id = ? AND target = ?",
            (attempts, signal_id, target),
        )
        connection.execute("UPDATE signals SET attempts = max(attempts, ?) WHERE id = ?", (attempts, signal_id))
    return Claim(signal_id, row["uid"], target, row["document"], row["detected_at"], attempts)


def note_sent(store: Store, claimed: Claim, now: datetime) -> None:
    """The target has accepted the signal."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE signal_deliveries SET state = 'sent', reason = NULL, due_at = NULL, sent_at = ? "
            "WHERE signal_id = ? AND target = ?",
            (moment, claimed.signal_id, claimed.target),
        )
        connection.execute(
            "INSERT INTO signal_targets (target, last_sent_at) VALUES (?, ?) ON CONFLICT (target) DO UPDATE "
            "SET failing_since = NULL, last_error = NULL, last_sent_at = excluded.last_sent_at",
            (claimed.target, moment),
        )
        _conclude(connection, claimed.signal_id)


def note_all_sent(transaction: Transaction, now: datetime) -> None:
    """All that is pending has been accepted everywhere."""
    moment = to_millis_text(now)
    transaction.execute(
        "UPDATE signals SET state = 'sent', attempts = 1, sent_at = ? "
        "WHERE id IN (SELECT signal_id FROM signal_deliveries WHERE state = 'pending')",
        (moment,),
    )
    transaction.execute("UPDATE signal_deliveries SET state = 'sent', sent_at = ? WHERE state = 'pending'", (moment,))


def note_failed(store: Store, claimed: Claim, now: datetime, reason: str, due: datetime | None) -> None:
    """The target has not accepted the signal. It is tried again when it is `due`; None: never."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE signal_deliveries SET state = ?, reason = ?, due_at = ? WHERE signal_id = ? AND target = ?",
            (
                "failed" if due is None else "pending",
                reason,
                None if due is None else to_millis_text(due),
                claimed.signal_id,
                claimed.target,
            ),
        )
        connection.execute(
            "INSERT INTO signal_targets (target, failing_since, last_error) VALUES (?, ?, ?) ON CONFLICT (target) "
            "DO UPDATE SET failing_since = ifnull(failing_since, excluded.failing_since), "
            "last_error = excluded.last_error",
            (claimed.target, moment, reason),
        )
        _conclude(connection, claimed.signal_id)


def _conclude(transaction: Transaction, signal_id: int) -> None:
    """Say of the signal what follows from its deliveries: failed if one failed, sent if one was, when none is open."""
    rows = transaction.execute(
        "SELECT state, target, reason, sent_at FROM signal_deliveries WHERE signal_id = ? ORDER BY target", (signal_id,)
    ).fetchall()
    if not rows:
        # Its rule was disabled meanwhile.
        return
    states = {row["state"] for row in rows}
    state = next(word for word in ("pending", "failed", "sent", "suppressed") if word in states)
    reasons = [
        f"{row['target']}: {row['reason']}" for row in rows if row["reason"] and row["state"] in ("pending", state)
    ]
    sent = [row["sent_at"] for row in rows if row["sent_at"]]
    transaction.execute(
        "UPDATE signals SET state = ?, reason = ?, sent_at = ? WHERE id = ?",
        (state, "; ".join(reasons) or None, max(sent, default=None), signal_id),
    )


class SignalCounts(NamedTuple):
    """How many signals are pending, and how many failed and were detected since a moment."""

    pending: int
    failed: int


def count_signals(store: Store, failed_since: datetime) -> SignalCounts:
    """How many signals wait, and how many could not be told."""
    pending = store.value(
        "SELECT count(*) FROM (SELECT DISTINCT signal_id FROM signal_deliveries WHERE state = 'pending')"
    )
    failed = store.value(
        "SELECT count(*) FROM signals WHERE state = 'failed' AND detected_at >= ?", (to_millis_text(failed_since),)
    )
    return SignalCounts(int(pending), int(failed))


def count_states(store: Store, rule_id: int) -> dict[str, int]:
    """How many signals of a rule there are by state."""
    rows = store.query("SELECT state, count(*) FROM signals WHERE rule_id = ? GROUP BY state", (rule_id,))
    found = {row[0]: int(row[1]) for row in rows}
    return {state: found.get(state, 0) for state in STATES}


def find_failing_targets(store: Store, since: datetime) -> list[TargetState]:
    """The targets that have been failing since that moment or longer and have something to be told."""
    return select(
        store,
        TargetState,
        "WHERE failing_since <= ? AND EXISTS (SELECT 1 FROM signal_deliveries AS delivery "
        "WHERE delivery.target = signal_targets.target AND delivery.state = 'pending') ORDER BY target",
        (to_millis_text(since),),
    )
