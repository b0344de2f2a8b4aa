"""Adding, enabling, disabling and removing rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.errors import UsageError
from opinionscope.signals.evidence import StoredEvidence
from opinionscope.signals.outbox import FOR_THE_DIGEST, strength_of
from opinionscope.signals.rules import Filters, Rule
from opinionscope.signals.watch import may_be_member
from opinionscope.store.consensus_told import save_told
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rules import StoredRule, disable_rule, enable_rule, find_rule, insert_rule, remove_rules
from opinionscope.store.signal_evidence import find_whale_facts
from opinionscope.store.signals import suppress_untold_of_rules
from opinionscope.times import to_seconds_text
from opinionscope.track_record.consensus import find_consensus


@dataclass(frozen=True)
class NewRule:
    """A rule that has been validated and is not stored yet."""

    name: str
    filters: Filters
    targets: tuple[str, ...]
    cooldown: timedelta
    digest_at: str | None

    def as_rule(self, rule_id: int, now: datetime) -> Rule:
        """The rule as it is looked at, active from now on."""
        return Rule(rule_id, self.name, self.filters, self.targets, self.cooldown, self.digest_at, to_seconds_text(now))


def add_rule(store: Store, new: NewRule, now: datetime) -> None:
    """Store a rule. A consensus that is there already is no news to it. Raises UsageError if the name is taken."""
    with store.transaction() as transaction:
        if transaction.execute("SELECT 1 FROM rules WHERE name = ?", (new.name,)).fetchone():
            raise UsageError(f"There is already a rule {new.name!r}; choose another name, or remove it first.")
        rule_id = insert_rule(
            transaction,
            name=new.name,
            filters=new.filters.to_json(),
            targets=json.dumps(list(new.targets)),
            cooldown=new.cooldown,
            digest_at=new.digest_at,
            now=now,
        )
        _take_as_told(transaction, new.as_rule(rule_id, now))


def require_rules(store: Store, names: Sequence[str]) -> list[StoredRule]:
    """The rules of these names. Raises UsageError if there is none of a name."""
    rules = {name: find_rule(store, name) for name in names}
    for name, rule in rules.items():
        if rule is None:
            raise UsageError(f"There is no rule {name[:80]!r}; see `opinionscope rules list`.")
    return [rule for rule in rules.values() if rule is not None]


def remove(store: Store, rules: Sequence[StoredRule]) -> None:
    """Delete rules. What they have pending is not told any more; their signals stay."""
    ids = [rule.id for rule in rules]
    with store.transaction() as transaction:
        suppress_untold_of_rules(transaction, ids, "the rule was removed", kept=FOR_THE_DIGEST)
        remove_rules(transaction, ids)


def disable(store: Store, rules: Sequence[StoredRule]) -> None:
    """Have rules tell of nothing, not even of what they have pending."""
    with store.transaction() as transaction:
        ids = [rule.id for rule in rules]
        suppress_untold_of_rules(transaction, ids, "the rule was disabled", kept=FOR_THE_DIGEST)
        for rule in rules:
            disable_rule(transaction, rule.id)


def enable(store: Store, rules: Sequence[StoredRule], now: datetime) -> None:
    """Have rules that were disabled tell of what happens from now on."""
    with store.transaction() as transaction:
        for rule in rules:
            if not rule.enabled:
                enable_rule(transaction, rule.id, now)
                _take_as_told(transaction, Rule.from_row(rule))


def _take_as_told(transaction: Transaction, rule: Rule) -> None:
    """Remember how strong each consensus is now, so that only its growth is news."""
    if rule.filters.consensus is None:
        return
    whales = find_whale_facts(transaction)
    holdings = StoredEvidence(transaction, whales).holdings(None)
    members = [holding for holding in holdings if may_be_member(rule, whales, holding.whale_address)]
    found = find_consensus(members, min_whales=rule.filters.consensus, min_exposure=rule.least_exposure)
    save_told(transaction, [strength_of(rule.id, consensus) for consensus in found])
