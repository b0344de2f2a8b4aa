"""A position: the sums of a wallet's trades of one outcome, and what follows from them.

Sums do not depend on the order in which trades arrive. Shares pay 1 when their outcome wins, and 0 otherwise; amounts
are in the quote token. The view `position_figures` works the same figures out in SQL.
"""

from dataclasses import dataclass, fields
from typing import Literal, Self

DUST = 0.01
"""Shares that have cost less than this, in the quote token, count as none."""

Result = Literal["undecided", "won", "lost", "void"]
"""What became of an outcome: it won or lost, its market came to nothing, or nobody knows yet."""
State = Literal["open", "exited", "won", "lost", "void"]
PAYOUTS = {"won": 1.0, "lost": 0.0}


@dataclass(frozen=True, slots=True)
class PositionSums:
    """The sums of the trades of one outcome.

    `buy_amount` includes the fees of buys. A split adds its shares to both outcomes, a merge takes them from both; each
    side costs, or brings, half of the amount. `fees` and `trade_count` are for the record only.
    """

    buy_shares: float = 0.0
    buy_amount: float = 0.0
    sell_shares: float = 0.0
    sell_amount: float = 0.0
    split_shares: float = 0.0
    merge_shares: float = 0.0
    fees: float = 0.0
    trade_count: int = 0

    def plus(self, other: "PositionSums") -> Self:
        """The sums of both sets of trades."""
        return type(self)(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def minus(self, other: "PositionSums") -> Self:
        """The sums without those trades."""
        return type(self)(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))

    @property
    def acquired(self) -> float:
        """Shares bought or split off."""
        return self.buy_shares + self.split_shares

    @property
    def cost(self) -> float:
        """What the acquired shares cost."""
        return self.buy_amount + self.split_shares / 2

    @property
    def disposed(self) -> float:
        """Shares sold or merged."""
        return self.sell_shares + self.merge_shares

    @property
    def proceeds(self) -> float:
        """What the disposed shares brought."""
        return self.sell_amount + self.merge_shares / 2

    @property
    def cost_per_share(self) -> float | None:
        """The average cost of an acquired share; None if none was acquired."""
        return self.cost / self.acquired if self.acquired > 0 else None

    @property
    def net_shares(self) -> float:
        """Shares held: 0 within dust, and where more were disposed of than acquired."""
        net = self.acquired - self.disposed
        return net if net > 0 and net * (self.cost_per_share or 0.0) >= DUST else 0.0

    @property
    def exposure(self) -> float:
        """What the shares held cost."""
        return self.net_shares * (self.cost_per_share or 0.0)

    @property
    def unexplained_shares(self) -> float:
        """Shares disposed of that were never acquired by a trade, so were transferred to the wallet; 0 within dust."""
        excess = self.disposed - self.acquired
        value = self.cost_per_share or (self.proceeds / self.disposed if self.disposed else 0.0)
        return excess if excess > 0 and excess * value >= DUST else 0.0

    @property
    def realized(self) -> float:
        """Profit of what was disposed of. What transferred shares brought is not profit."""
        explained = min(self.disposed, self.acquired)
        if explained <= 0:
            return 0.0
        return self.proceeds * explained / self.disposed - explained * (self.cost_per_share or 0.0)


@dataclass(frozen=True, slots=True)
class PositionFigures:
    """What follows from the sums of a position, the result of its market and the mark.

    `unrealized` is None where the mark of an open position is unknown; it is 0 where nothing is held or all is decided.
    `settled` is what the shares held when their market was decided gained or lost.
    """

    net_shares: float
    cost_per_share: float | None
    exposure: float
    realized: float
    unrealized: float | None
    settled: float
    unexplained_shares: float
    state: State


def figures_of(sums: PositionSums, result: Result, mark: float | None = None) -> PositionFigures:
    """The figures of a position. `mark` is what a share is worth now; None if unknown."""
    net, exposure = sums.net_shares, sums.exposure
    state = _state(net, result)
    settled = net * PAYOUTS[state] - exposure if state in PAYOUTS else 0.0
    unrealized: float | None = 0.0
    if state == "open":
        unrealized = None if mark is None else net * mark - exposure
    return PositionFigures(
        net_shares=net,
        cost_per_share=sums.cost_per_share,
        exposure=exposure,
        realized=sums.realized,
        unrealized=unrealized,
        settled=settled,
        unexplained_shares=sums.unexplained_shares,
        state=state,
    )


def _state(net: float, result: Result) -> State:
    if net <= 0:
        return "exited"
    return "open" if result == "undecided" else result


def result_of(
    side: int, *, status: str | None, result_token: str | None, yes_token: str | None, no_token: str | None
) -> Result:
    """What became of outcome side 1 (yes) or 2 (no). The result token alone says who won.

    Side 0, of trades that name no outcome, neither wins nor loses. A market that failed, was deleted, or ended without
    a result token that is one of its own, is void. `status` is None for a market that is not known yet.
    """
    if status in ("failed", "deleted"):
        return "void"
    if side not in (1, 2):
        return "undecided"
    own, other = (yes_token, no_token) if side == 1 else (no_token, yes_token)
    if result_token:
        if result_token == own:
            return "won"
        if result_token == other:
            return "lost"
    return "void" if status == "resolved" else "undecided"
