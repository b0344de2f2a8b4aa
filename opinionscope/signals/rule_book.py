"""Adding, enabling, disabling and removing rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.errors import UsageError
from opinionscope.signals.outbox import FOR_THE_DIGEST
from opinionscope.signals.prior_consensus import read_prior_consensus, take_as_told
from opinionscope.signals.rules import Filters, Rule
from opinionscope.store.database import Store
from opinionscope.store.rules import StoredRule, disable_rule, enable_rule, find_rule, insert_rule, remove_rules
from opinionscope.store.signals import has_signals_of, suppress_untold_of_rules
from opinionscope.times import to_seconds_text


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
    if find_rule(store, new.name) is not None:
        raise _taken(new.name)
    prior = read_prior_consensus(store, new.as_rule(0, now))
    with store.transaction() as transaction:
        if transaction.execute("SELECT 1 FROM rules WHERE name = ?", (new.name,)).fetchone():
            raise _taken(new.name)
        rule_id = insert_rule(
            transaction,
            name=new.name,
            filters=new.filters.to_json(),
            targets=json.dumps(list(new.targets)),
            cooldown=new.cooldown,
            digest_at=new.digest_at,
            now=now,
        )
        take_as_told(transaction, new.as_rule(rule_id, now), prior)


def require_rules(store: Store, names: Sequence[str]) -> list[StoredRule]:
    """The rules of these names. Raises UsageError if there is none of a name."""
    rules = {name: find_rule(store, name) for name in names}
    for name, rule in rules.items():
        if rule is None:
            raise UsageError(f"There is no rule {name[:80]!r}; see `opinionscope rules list`.")
    return [rule for rule in rules.values() if rule is not None]


def require_rule_or_its_signals(store: Store, name: str) -> None:
    """Raises UsageError if there is neither a rule of this name nor a signal of one: signals outlive rules."""
    if not has_signals_of(store, name):
        require_rules(store, [name])


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
    disabled = [Rule.from_row(rule) for rule in rules if not rule.enabled]
    priors = [read_prior_consensus(store, rule) for rule in disabled]
    with store.transaction() as transaction:
        for rule, prior in zip(disabled, priors, strict=True):
            if enable_rule(transaction, rule.id, now):
                take_as_told(transaction, rule, prior)


def _taken(name: str) -> UsageError:
    return UsageError(f"There is already a rule {name!r}; choose another name, or remove it first.")
