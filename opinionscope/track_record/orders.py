"""An order: the fills that belong together, and what they did to the position.

The exchange lists fills, not orders, and the fills of one order come apart over seconds and pages. So an order is the
wallet's fills of one market, outcome side and action, each within `GAP` seconds of the one before it, in at most
`LONGEST` seconds.

A wallet may trade for hours without a pause. Its first order lasts `LONGEST` seconds from the fill after the last
pause. What follows is divided where the clock is at a multiple of `LONGEST`. So the orders of a fill depend on what was
traded since `reach_of` it, and neither on how much is read, nor on when, nor on what comes later.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import groupby, takewhile
from typing import Literal

from opinionscope.track_record.outcome_sides import BOTH_OUTCOMES, other_side
from opinionscope.track_record.positions import PositionSums

GAP = 60
"""The longest pause between two fills of an order, in seconds."""
LONGEST = 600
"""The longest time from the first to the last fill of an order, in seconds."""

Change = Literal["NEW", "ADD", "REDUCE", "EXIT", "FLIP"]
CHANGES: tuple[Change, ...] = ("NEW", "ADD", "REDUCE", "EXIT", "FLIP")
Kind = tuple[str, str, int, str]
"""Whose fills, of which market, outcome side and action."""
ACQUIRING = ("BUY", "SPLIT")
_ROUNDING = 1e-7
_BEFORE_ALL = (-1, -1)


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of a wallet. `second` is when it was made, in unix seconds; amounts are in the quote token.

    `outcome_side` is 1 (yes), 2 (no) or 0 (unknown). `amount` of a buy includes `fee`.
    """

    id: int
    whale_address: str
    market_external_id: str
    outcome_side: int
    action: str
    second: int
    shares: float
    amount: float
    fee: float = 0.0

    @property
    def moment(self) -> tuple[int, int]:
        """What fills are put in order by: those of one second as they were stored."""
        return self.second, self.id

    @property
    def moved_shares(self) -> float:
        """The shares; some splits and merges only give the amount, and their shares are worth 1 together."""
        return self.shares if self.shares or self.action not in BOTH_OUTCOMES else self.amount


@dataclass(frozen=True)
class Order:
    """Fills that belong together, oldest first; at least one."""

    fills: tuple[Fill, ...]

    @property
    def whale_address(self) -> str:
        return self.fills[0].whale_address

    @property
    def market_external_id(self) -> str:
        return self.fills[0].market_external_id

    @property
    def outcome_side(self) -> int:
        return self.fills[0].outcome_side

    @property
    def action(self) -> str:
        return self.fills[0].action

    @property
    def first(self) -> int:
        """When the first fill was made, in unix seconds."""
        return self.fills[0].second

    @property
    def last(self) -> int:
        """When the last fill was made, in unix seconds."""
        return self.fills[-1].second

    @cached_property
    def shares(self) -> float:
        return sum(fill.moved_shares for fill in self.fills)

    @cached_property
    def amount(self) -> float:
        """What was paid or received, in the quote token."""
        return sum(fill.amount for fill in self.fills)

    @cached_property
    def fees(self) -> float:
        return sum(fill.fee for fill in self.fills)

    @property
    def price(self) -> float | None:
        """The average price of a share without fees; None without shares.

        A buy's amount includes its fee. A sale's is what came in, and is taken as it is.
        """
        value = self.amount - self.fees if self.action == "BUY" else self.amount
        return value / self.shares if self.shares > 0 else None

    @cached_property
    def fill_ids(self) -> frozenset[int]:
        return frozenset(fill.id for fill in self.fills)


def group_orders(fills: Iterable[Fill]) -> list[Order]:
    """The orders that the fills make up, by their first fill. The fills may come in any order."""
    by_kind = sorted(fills, key=lambda fill: (*_kind(fill), fill.moment))
    orders = [order for _, same in groupby(by_kind, key=_kind) for order in _split_in_time(list(same))]
    return sorted(orders, key=lambda order: order.fills[0].moment)


def latest_orders(fills: Iterable[Fill]) -> Iterator[Order]:
    """The orders that the fills make up, by their last fill, newest first; the fills come newest first, too.

    An order is yielded as soon as no older fill can belong to it, so that a few orders need only a few fills.
    """
    growing: dict[Kind, list[Fill]] = {}  # the one that grew last is the last one
    complete: list[Order] = []
    for fill in fills:
        paused = _paused_before(fill.second, growing)
        for kind in paused:
            complete += _split_in_time(growing.pop(kind)[::-1])
        if paused:
            yield from _take_newer_than(
                max((each[0].moment for each in growing.values()), default=_BEFORE_ALL), complete
            )
        same = growing.pop(_kind(fill), [])
        same.append(fill)
        growing[_kind(fill)] = same
    complete += [order for same in growing.values() for order in _split_in_time(same[::-1])]
    yield from _take_newer_than(_BEFORE_ALL, complete)


def _paused_before(second: int, growing: dict[Kind, list[Fill]]) -> list[Kind]:
    """Those that no fill of this second or an older one can belong to."""
    return list(takewhile(lambda kind: growing[kind][-1].second - second > GAP, growing))


def _take_newer_than(moment: tuple[int, int], orders: list[Order]) -> Iterator[Order]:
    """Take the orders that ended after the moment out of the list, newest first."""
    orders.sort(key=lambda order: order.fills[-1].moment)
    while orders and orders[-1].fills[-1].moment > moment:
        yield orders.pop()


def _kind(fill: Fill) -> Kind:
    return fill.whale_address, fill.market_external_id, fill.outcome_side, fill.action


def reach_of(second: int) -> int:
    """The unix second from which fills are to be known, so that orders with a fill at `second` or later are right.

    An order with such a fill began at most `LONGEST` seconds before the boundary of the clock above which it lies, or
    at that boundary. `GAP` more seconds show whether there was a pause before it.
    """
    return _boundary(second) - LONGEST - GAP


def _boundary(second: int) -> int:
    """The last multiple of `LONGEST` up to a unix second."""
    return second // LONGEST * LONGEST


def _split_in_time(fills: Sequence[Fill]) -> list[Order]:
    parts, end = [[fills[0]]], fills[0].second + LONGEST
    for fill in fills[1:]:
        if fill.second - parts[-1][-1].second > GAP:
            parts.append([fill])
            end = fill.second + LONGEST
        elif fill.second > end:
            parts.append([fill])
            end = _boundary(fill.second) + LONGEST - 1
        else:
            parts[-1].append(fill)
    return [Order(tuple(part)) for part in parts]


def totals_of(fills: Iterable[Fill]) -> list[Fill]:
    """A fill for each kind of the fills, with their shares and amounts together."""
    totals = dict[tuple[str, str, int, str], Fill]()
    for fill in fills:
        kind = _kind(fill)
        so_far = totals.get(kind)
        shares, amount = (so_far.shares, so_far.amount) if so_far else (0.0, 0.0)
        totals[kind] = replace(fill, shares=shares + fill.moved_shares, amount=amount + fill.amount)
    return list(totals.values())


Sides = dict[int, PositionSums]
"""A wallet's sums in one market by outcome side; a side that is missing holds nothing."""


def sums_of_fill(fill: Fill) -> Sides:
    """What a fill adds to the sums of its market."""
    shares, amount = fill.moved_shares, fill.amount
    match fill.action:
        case "BUY":
            return {fill.outcome_side: PositionSums(buy_shares=shares, buy_amount=amount, trade_count=1)}
        case "SELL":
            return {fill.outcome_side: PositionSums(sell_shares=shares, sell_amount=amount, trade_count=1)}
        case "SPLIT":
            return dict.fromkeys((1, 2), PositionSums(split_shares=shares, trade_count=1))
        case "MERGE":
            return dict.fromkeys((1, 2), PositionSums(merge_shares=shares, trade_count=1))
    return {}


def without(sums: Sides, fills: Iterable[Fill]) -> Sides:
    """The sums without those fills."""
    left = dict(sums)
    for fill in fills:
        for side, taken in sums_of_fill(fill).items():
            left[side] = left.get(side, PositionSums()).minus(taken)
    return {side: _rounded(each) for side, each in left.items()}


def with_fill(sums: Sides, fill: Fill) -> Sides:
    """The sums with one more fill."""
    added = sums_of_fill(fill)
    return sums | {side: sums.get(side, PositionSums()).plus(more) for side, more in added.items()}


def _rounded(sums: PositionSums) -> PositionSums:
    """The sums without what is left of numbers that were added and taken away again."""
    figures = (getattr(sums, field.name) for field in fields(sums))
    return PositionSums(*(0 if abs(figure) < _ROUNDING else figure for figure in figures))


def held(sums: Sides, side: int) -> float:
    """The shares held of one outcome; 0 within dust."""
    return sums[side].net_shares if side in sums else 0.0


def change_of(action: str, side: int, before: Sides, after: Sides) -> Change | None:
    """What an order did to a position, from the wallet's sums in the market before and after it.

    FLIP: it held more of the other outcome, and after the order holds more of this one. None for an order that does
    not say which outcome it is of. Splits and merges change both outcomes, which count together.
    """
    if action in BOTH_OUTCOMES:
        had, has = (held(sums, 1) + held(sums, 2) for sums in (before, after))
        return _change(action, had=had, has=has)
    if not side:
        return None
    other = other_side(side)
    had, has, had_other, has_other = held(before, side), held(after, side), held(before, other), held(after, other)
    if action == "BUY" and had_other > 0 and had <= had_other and has > has_other:
        return "FLIP"
    return _change(action, had=had, has=has)


def _change(action: str, *, had: float, has: float) -> Change:
    if action in ACQUIRING:
        return "ADD" if had > 0 else "NEW"
    return "REDUCE" if has > 0 else "EXIT"
