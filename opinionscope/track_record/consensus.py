"""Consensus: followed whales that hold the same outcome of a market, and those that oppose them."""

from collections.abc import Iterable
from dataclasses import dataclass

from opinionscope.track_record.outcome_sides import NO, YES, other_side

LARGEST_HEDGE = 0.2
"""A member holds at most this part of its exposure on the other side."""
GROWTH = 1.5
"""A consensus is told again when its number or its exposure has grown to this multiple."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a wallet holds open of one outcome. `exposure` is what it cost, in the quote token."""

    whale_address: str
    market_external_id: str
    outcome_side: int
    exposure: float
    shares: float = 0.0
    is_flagged: bool = False


@dataclass(frozen=True)
class Consensus:
    """The members that agree on an outcome, and the opposition, largest exposure first."""

    market_external_id: str
    outcome_side: int
    members: tuple[Holding, ...]
    opposition: tuple[Holding, ...]

    @property
    def exposure(self) -> float:
        """What the members' holdings cost together."""
        return sum(member.exposure for member in self.members)

    @property
    def opposing_exposure(self) -> float:
        """What those of the opposition cost together."""
        return sum(holding.exposure for holding in self.opposition)


def find_consensus(holdings: Iterable[Holding], *, min_whales: int, min_exposure: float) -> list[Consensus]:
    """The outcomes that at least `min_whales` wallets agree on, by market.

    A wallet counts for an outcome if its exposure is at least `min_exposure`, at most a fifth of that is on the other
    side, and it is not flagged as a farmer.
    """
    markets: dict[str, list[Holding]] = {}
    for holding in holdings:
        markets.setdefault(holding.market_external_id, []).append(holding)
    found = list[Consensus]()
    for market, each in markets.items():
        sides = {side: _convinced(each, side, min_exposure) for side in (YES, NO)}
        found += [
            Consensus(market, side, members, sides[other_side(side)])
            for side, members in sides.items()
            if len(members) >= min_whales
        ]
    return found


def _convinced(holdings: Iterable[Holding], side: int, min_exposure: float) -> tuple[Holding, ...]:
    opposite = {each.whale_address: each.exposure for each in holdings if each.outcome_side == other_side(side)}
    convinced = [
        holding
        for holding in holdings
        if holding.outcome_side == side
        and not holding.is_flagged
        and 0 < holding.exposure >= min_exposure
        and opposite.get(holding.whale_address, 0.0) <= LARGEST_HEDGE * holding.exposure
    ]
    return tuple(sorted(convinced, key=lambda each: (-each.exposure, each.whale_address)))


@dataclass(frozen=True)
class Strength:
    """How strong a consensus was when it was last told: how many members, and their exposure."""

    whales: int
    exposure: float


def is_news(consensus: Consensus, told: Strength | None) -> bool:
    """Whether a consensus has formed, or has grown by half since it was told."""
    if told is None:
        return True
    return len(consensus.members) >= GROWTH * told.whales or consensus.exposure >= GROWTH * told.exposure
