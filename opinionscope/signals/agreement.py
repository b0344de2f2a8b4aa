"""The consensus that there is now, for whoever asks."""

from dataclasses import dataclass
from typing import Any, ClassVar

from opinionscope.signals.documents import Document, holdings_part, outcome_label
from opinionscope.signals.evidence import StoredEvidence
from opinionscope.store.database import Store
from opinionscope.store.signal_evidence import find_market_facts, find_market_titles, find_whale_facts
from opinionscope.track_record.consensus import Consensus, find_consensus


@dataclass(frozen=True)
class Agreement:
    """A consensus with the names of its market, its members and its opposition."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "market",
        "title",
        "outcome",
        "outcome_side",
        "whales",
        "exposure",
        "members",
        "opposing_whales",
        "opposing_exposure",
        "opposition",
        "url",
    )

    consensus: Consensus
    title: str
    outcome: str | None
    url: str | None
    members: list[Document]
    opposition: list[Document]

    def as_document(self) -> dict[str, Any]:
        """The agreement as JSON shows it."""
        consensus = self.consensus
        values = (
            consensus.market_external_id,
            self.title,
            self.outcome,
            consensus.outcome_side,
            len(consensus.members),
            round(consensus.exposure, 6),
            self.members,
            len(consensus.opposition),
            round(consensus.opposing_exposure, 6),
            self.opposition,
            self.url,
        )
        return dict(zip(self.NAMES, values, strict=True))


def find_agreements(store: Store, *, min_whales: int, min_exposure: float, tag: str | None = None) -> list[Agreement]:
    """The outcomes that tracked wallets agree on, those with the most wallets first."""
    with store.snapshot() as transaction:
        whales = find_whale_facts(transaction)
        holdings = [
            holding
            for holding in StoredEvidence(transaction, whales).holdings(None)
            if tag is None or tag in whales[holding.whale_address].tags
        ]
        found = find_consensus(holdings, min_whales=min_whales, min_exposure=min_exposure)
        numbers = {consensus.market_external_id for consensus in found}
        markets, titles = find_market_facts(transaction, numbers), find_market_titles(transaction, numbers)
    agreements = [
        Agreement(
            consensus,
            market.title if market else titles.get(number) or f"market {number}",
            outcome_label(consensus.outcome_side, market),
            market.url if market else None,
            holdings_part(consensus.members, whales),
            holdings_part(consensus.opposition, whales),
        )
        for consensus in found
        for number in [consensus.market_external_id]
        for market in [markets.get(number)]
    ]
    return sorted(agreements, key=lambda each: (-len(each.consensus.members), -each.consensus.exposure, each.title))
