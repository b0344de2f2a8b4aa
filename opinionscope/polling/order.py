"""Which wallets a run polls first."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import NamedTuple, TypeVar

from opinionscope.polling.limits import FLOOR_SHARE, Limits

_Item = TypeVar("_Item")
_OF_FOUR = round(4 * FLOOR_SHARE)


class Candidate(NamedTuple):
    """A wallet that may be polled.

    `waited` is the seconds since its last poll, or since it was added, if it was never polled: then it `is_new`.
    `need` is its weight times its trades a minute. `is_read_deeper`: part of its history is still to be read.
    """

    id: int
    address: str
    waited: float
    is_new: bool
    need: float
    is_read_deeper: bool

    def urgency(self, period: float) -> float:
        """How much this wallet's trades have been delayed, summed up over the runs since its last poll.

        After n runs that is need × n(n + 1)/2. To poll those with the most is to poll each in proportion to the square
        root of its need, without having to know the proportion: a Whittle index, https://doi.org/10.2307/3214163.
        """
        return self.need * self.waited * (self.waited + period)


def in_order(candidates: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """The wallets, those to be polled first at the beginning.

    Wallets that are new, or must be polled for none to wait longer than the longest gap, take three of four polls; the
    others, and the rest, go by need. Every fourth wallet is one that is to be read deeper. These take turns, so that
    each gets on.
    """
    ordered = sorted(candidates, key=lambda one: (one.urgency(limits.period), -one.id), reverse=True)
    musts = {one.id for one in _held_up(candidates, limits)}
    must, may = _split(ordered, lambda one: one.id in musts or one.is_new or one.waited < 0)
    deeper, others = _split(_mixed(must, may, _OF_FOUR, 4 - _OF_FOUR), lambda one: one.is_read_deeper)
    return _mixed(sorted(deeper, key=lambda one: (-one.waited, one.id)), others, 1, 3)


def _held_up(candidates: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """The wallets that have waited longest, as many as must be polled now for all to keep to the longest gap.

    The nth of them can wait only as long as the runs before its time is up have room for n: earliest deadline first.
    """
    oldest = sorted(candidates, key=lambda one: -one.waited)
    gap, room = limits.gap_for(len(oldest)), FLOOR_SHARE * limits.polls
    must = 0.0
    for number, one in enumerate(oldest, 1):
        runs_left = max(0.0, (gap - one.waited + limits.period / 2) // limits.period)
        must = max(must, number - runs_left * room)
    return oldest[: ceil(must)]


def find_overdue(unpolled: Iterable[Candidate], wallets: int, limits: Limits) -> list[Candidate]:
    """Those of the wallets a run has not polled that it should have: all if there is room, else those that are late."""
    if limits.has_room_for(wallets):
        return list(unpolled)
    return [one for one in unpolled if one.waited >= limits.longest_gap - limits.period / 2]


def _split(items: Iterable[_Item], belongs: Callable[[_Item], bool]) -> tuple[list[_Item], list[_Item]]:
    first, second = list[_Item](), list[_Item]()
    for item in items:
        (first if belongs(item) else second).append(item)
    return first, second


def _mixed(first: Iterable[_Item], second: Iterable[_Item], of_first: int, of_second: int) -> list[_Item]:
    """Both in turns, a fixed number of the one and then of the other, each in its own order."""
    one, other, mixed = deque(first), deque(second), list[_Item]()
    while one or other:
        mixed += [one.popleft() for _ in range(min(of_first, len(one)))]
        mixed += [other.popleft() for _ in range(min(of_second, len(other)))]
    return mixed
