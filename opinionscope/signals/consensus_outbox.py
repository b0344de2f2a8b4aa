"""The outbox of consensus: told when it forms and when it grows by half, in the transaction of the trades that did it.

How strong it was when it was told is remembered for as long as it stands. One that has dissolved is forgotten, so it is
news when it forms again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from opinionscope.signals.documents import consensus_document, dumped
from opinionscope.signals.rules import Rule
from opinionscope.store.consensus_told import ToldConsensus, find_told, forget_told, save_told
from opinionscope.store.database import Transaction
from opinionscope.store.signal_evidence import MarketFacts, WhaleFacts
from opinionscope.store.signals import NewSignal, insert_signal
from opinionscope.times import to_millis_text
from opinionscope.track_record.consensus import Consensus, Strength, is_news


class ConsensusOutbox:
    """The signals about consensus."""

    def __init__(self, transaction: Transaction, now: datetime) -> None:
        self._transaction = transaction
        self._now = now

    def forget_dissolved(self, rule: Rule, markets: Collection[str], standing: Sequence[Consensus]) -> None:
        """Forget what was told of the markets, but for the consensus that stands."""
        kept = {(consensus.market_external_id, consensus.outcome_side) for consensus in standing}
        forget_told(self._transaction, rule.id, markets, kept)

    def tell(
        self,
        rule: Rule,
        consensus: Consensus,
        recipients: Sequence[str],
        *,
        whales: Mapping[str, WhaleFacts],
        market: MarketFacts | None,
        title: str | None,
    ) -> None:
        """Tell of a consensus, if it is news."""
        number, side = consensus.market_external_id, consensus.outcome_side
        told = find_told(self._transaction, rule.id, number, side)
        if not is_news(consensus, told and Strength(told.whales, told.exposure)):
            return
        document = consensus_document(
            rule, consensus, self._now, whales=whales, market=market, title=title, has_formed=told is None
        )
        signal = NewSignal(
            rule.id,
            rule.name,
            "consensus",
            to_millis_text(self._now),
            "pending",
            dumped(document),
            market_external_id=number,
            outcome_side=side,
            amount=consensus.exposure,
        )
        insert_signal(self._transaction, signal, recipients)
        save_told(self._transaction, [strength_of(rule.id, consensus)])


def strength_of(rule_id: int, consensus: Consensus) -> ToldConsensus:
    """How strong a consensus is, as it is remembered when it has been told."""
    number, side = consensus.market_external_id, consensus.outcome_side
    return ToldConsensus(rule_id, number, side, len(consensus.members), consensus.exposure)
