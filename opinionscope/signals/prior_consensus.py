"""The consensus that there is already when a rule begins, which is no news to it.

Reading all positions takes seconds where there are many, and nobody else could write meanwhile. So they are read before
the transaction that writes the rule, and in it only those of the markets that were traded in since. A wallet that was
tagged or flagged in between counts as it was before.
"""

from collections.abc import Collection
from typing import NamedTuple

from opinionscope.signals.consensus_outbox import strength_of
from opinionscope.signals.evidence import StoredEvidence
from opinionscope.signals.rules import Rule
from opinionscope.signals.watch import may_be_member
from opinionscope.store.consensus_told import replace_told
from opinionscope.store.database import Store, Transaction
from opinionscope.store.signal_evidence import find_whale_facts
from opinionscope.store.whale_activity import find_last_trade, find_markets_traded_after
from opinionscope.track_record.consensus import Consensus, find_consensus


class PriorConsensus(NamedTuple):
    """What there was when the last trade stored was the one with the id `last_trade`."""

    standing: list[Consensus]
    last_trade: int


def read_prior_consensus(store: Store, rule: Rule) -> PriorConsensus:
    """The present consensus as the rule sees it; empty for a rule that is not about consensus."""
    if rule.filters.consensus is None:
        return PriorConsensus([], 0)
    with store.snapshot() as transaction:
        return PriorConsensus(_standing(transaction, rule, None), find_last_trade(transaction))


def take_as_told(transaction: Transaction, rule: Rule, prior: PriorConsensus) -> None:
    """Remember how strong each consensus is, so that only its growth is news to the rule."""
    if rule.filters.consensus is None:
        return
    traded = find_markets_traded_after(transaction, prior.last_trade)
    standing = [consensus for consensus in prior.standing if consensus.market_external_id not in traded]
    if traded:
        standing += _standing(transaction, rule, traded)
    replace_told(transaction, rule.id, [strength_of(rule.id, consensus) for consensus in standing])


def _standing(transaction: Transaction, rule: Rule, markets: Collection[str] | None) -> list[Consensus]:
    whales = find_whale_facts(transaction)
    holdings = StoredEvidence(transaction, whales).holdings(markets)
    members = [holding for holding in holdings if may_be_member(rule, whales, holding.whale_address)]
    return find_consensus(members, min_whales=rule.filters.consensus or 1, min_exposure=rule.least_exposure)
