"""Whether the shares that the exchange lists agree with the sums of a wallet's trades, and what explains it if not.

The sums are never corrected by the list: a difference says that one of the two is wrong, and not which. The list and
the trades are read at different moments, so what was traded of late is not judged, and a difference counts only once
the next check shows it as well.
"""

from dataclasses import dataclass
from typing import Literal

from opinionscope.track_record.positions import DUST, PositionSums, Result

Agreement = Literal["agrees", "disagrees", "transferred", "claimed", "settled", "catching up", "not judged"]
"""What a check found. Only `disagrees` speaks against the sums.

`transferred`: the wallet sold shares that it never bought, so it has received some otherwise. `claimed`: what was won
has left the list. `settled`: so has what was lost, or belonged to a void market. `catching up`: not all trades are
known. `not judged`: traded too recently, or nothing is known of the market.
"""
_ON_THEIR_WAY_OUT = ("Claiming", "Claimed")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the exchange lists of a position; nothing where it lists none.

    Shares in open orders are `frozen`. `shares` may or may not include them. `value` is in the quote token.
    """

    shares: float = 0.0
    frozen: float = 0.0
    value: float | None = None
    claim_status: str | None = None

    @property
    def mark(self) -> float | None:
        """What the exchange values a share at; None if it lists no shares or no value."""
        return None if self.value is None or self.shares <= 0 else self.value / self.shares


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the sums: the result, and whether the sums can be expected to be complete."""

    result: Result
    market_is_known: bool
    history_is_complete: bool
    traded_lately: bool


def judge(sums: PositionSums, listing: Listing, circumstances: Circumstances) -> Agreement:
    """Compare the shares that the trades add up to with those that the exchange lists."""
    if not circumstances.history_is_complete:
        return "catching up"
    if _difference(sums, listing) * _value_of_a_share(sums, listing) < DUST:
        return "agrees"
    if circumstances.traded_lately:
        return "not judged"
    if sums.unexplained_shares:
        return "transferred"
    return _judge_departure(listing, circumstances)


def _judge_departure(listing: Listing, circumstances: Circumstances) -> Agreement:
    """Whether a difference is that of a position that leaves, or has left, the list as it should."""
    if listing.shares and listing.claim_status not in _ON_THEIR_WAY_OUT:
        return "disagrees"
    if circumstances.result == "undecided":
        return "disagrees" if circumstances.market_is_known else "not judged"
    return "claimed" if circumstances.result == "won" else "settled"


def _difference(sums: PositionSums, listing: Listing) -> float:
    held = max(0.0, sums.acquired - sums.disposed)
    return max(listing.shares - held, held - listing.shares - listing.frozen, 0.0)


def _value_of_a_share(sums: PositionSums, listing: Listing) -> float:
    if sums.cost_per_share:
        return sums.cost_per_share
    # A share pays 1 at most, which is what an unknown one may be worth.
    return 1.0 if listing.mark is None else listing.mark


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Since when the shares of a position differ. Times are ISO texts.

    `differs_since` is the first check in a row that shows it; `disagrees_since` is the same time once a second check
    has confirmed it, and None before that.
    """

    differs_since: str | None = None
    disagrees_since: str | None = None

    def after(self, agreement: Agreement, now: str) -> "Disagreement":
        """What is known after a further check, made `now`."""
        if agreement == "not judged":
            return self
        if agreement != "disagrees":
            return Disagreement()
        return Disagreement(self.differs_since or now, self.differs_since)
