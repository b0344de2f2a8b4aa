"""The `rules` table: what the user wants to be told of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from opinionscope.records import INTERNAL, Flag, JsonText, Millis, Seconds, Texts
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rows import StoredRow, select, select_first
from opinionscope.times import to_millis_text, to_seconds_text


@dataclass(frozen=True)
class StoredRule(StoredRow):
    """A rule. `filters` is JSON, `targets` are names, never addresses, and `digest_at` is an hour and minute, UTC.

    `active_since`: only what happens from then on is news. `digested_until`: what was detected up to then is in a
    digest.
    """

    TABLE: ClassVar[str] = "rules"

    id: int
    name: str
    filters: JsonText
    targets: Texts
    cooldown_seconds: int
    digest_at: str | None
    enabled: Flag
    created_at: Seconds
    active_since: Seconds
    digested_until: Millis | None = field(metadata=INTERNAL)

    @property
    def cooldown(self) -> timedelta:
        """How long nothing more is told of a whale in a market after a message."""
        return timedelta(seconds=self.cooldown_seconds)


def find_rules(store: Store) -> list[StoredRule]:
    """All rules by name."""
    return select(store, StoredRule, "ORDER BY name")


def find_enabled_rules(store: Store) -> list[StoredRule]:
    """The rules that are enabled, by id."""
    return select(store, StoredRule, "WHERE enabled = 1 ORDER BY id")


def find_enabled_since(transaction: Transaction) -> dict[int, str]:
    """Since when each rule that is enabled has been active (ISO text), by id."""
    return dict(tuple(row) for row in transaction.execute("SELECT id, active_since FROM rules WHERE enabled = 1"))


def find_rule(store: Store, name: str) -> StoredRule | None:
    """The rule of this name."""
    return select_first(store, StoredRule, "WHERE name = ?", (name,))


def insert_rule(
    transaction: Transaction,
    *,
    name: str,
    filters: str,
    targets: str,
    cooldown: timedelta,
    digest_at: str | None,
    now: datetime,
) -> int:
    """Store a new rule; its id. `targets` is a JSON array. A name that is taken is an error: the caller has checked."""
    cursor = transaction.execute(
        "INSERT INTO rules (name, filters, targets, cooldown_seconds, digest_at, created_at, active_since, "
        "digested_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            filters,
            targets,
            int(cooldown.total_seconds()),
            digest_at,
            to_seconds_text(now),
            to_seconds_text(now),
            to_millis_text(now) if digest_at else None,
        ),
    )
    return int(cursor.lastrowid or 0)


def remove_rules(transaction: Transaction, ids: Sequence[int]) -> None:
    """Delete rules. Their signals stay."""
    for rule_id in ids:
        transaction.execute("DELETE FROM rules WHERE id = ?", (rule_id,))
        transaction.execute("DELETE FROM consensus_told WHERE rule_id = ?", (rule_id,))


def enable_rule(transaction: Transaction, rule_id: int, now: datetime) -> bool:
    """Have a rule tell of what happens from now on; whether there is such a rule, and it was disabled."""
    cursor = transaction.execute(
        "UPDATE rules SET enabled = 1, active_since = ?, digested_until = iif(digest_at IS NULL, NULL, ?) "
        "WHERE id = ? AND enabled = 0",
        (to_seconds_text(now), to_millis_text(now), rule_id),
    )
    return cursor.rowcount > 0


def disable_rule(transaction: Transaction, rule_id: int) -> None:
    """Have a rule tell of nothing."""
    transaction.execute("UPDATE rules SET enabled = 0 WHERE id = ?", (rule_id,))


def note_digest(transaction: Transaction, rule_id: int, until: datetime) -> None:
    """Note that what was detected up to then is in a digest."""
    transaction.execute("UPDATE rules SET digested_until = ? WHERE id = ?", (to_millis_text(until), rule_id))
