"""A page of a wallet's list: as the exchange listed it, what a reading makes of it, and how pages lie to each other."""

from collections import Counter
from dataclasses import dataclass, field

from opinionscope.api.answers import Page
from opinionscope.api.models import Trade
from opinionscope.store.counted_trades import TradeKey

_COPIES_OF_EACH = 4
_SMALLEST_LIMIT = 6


@dataclass(frozen=True)
class Closed:
    """The seconds after `below` and up to `upto` (None: no bound) of which the reading has seen all entries.

    `at_most` is how many trades of each key the list can have in them.
    """

    below: int | None
    upto: int | None
    at_most: Counter[TradeKey]

    def holds(self, second: int) -> bool:
        """Whether the second is one of them."""
        return (self.below is None or second > self.below) and (self.upto is None or second <= self.upto)


@dataclass(frozen=True)
class PageRead:
    """A page within a reading, with what further answers add where that was needed to tell copies from repeats.

    `trades` are all different trades by their keys, newest first. `total` is the exchange's latest count of
    the whole list, `position` how many entries there are down to the end of the page, `is_last` whether the reading
    ends with it, `is_cut` whether it ends because the exchange gives no further pages though it counts more, `problems`
    what could not be read, `digest` that of the page's answer. `is_settled`: no second is cut so that it may hold more
    copies. `lacks_answers`: an answer that might have settled one did not come. `closed` says what the list shows no
    more; None where that is not known.
    """

    number: int
    trades: dict[TradeKey, list[Trade]]
    total: int | None
    position: int
    is_last: bool
    problems: list[str]
    digest: bytes
    is_cut: bool = False
    in_order: bool = True
    is_settled: bool = True
    lacks_answers: bool = False
    closed: Closed | None = None

    def can_hold(self, key: TradeKey) -> int | None:
        """The maximum number of trades of the key in the list; None if the page does not tell."""
        return self.closed.at_most[key] if self.closed is not None and self.closed.holds(key[0]) else None


@dataclass(frozen=True)
class ListedPage:
    """A page as the exchange listed it, with the keys of its trades."""

    number: int
    page: Page[Trade]
    keys: list[TradeKey]

    @property
    def first_second(self) -> int:
        return self.keys[0][0]

    @property
    def last_second(self) -> int:
        return self.keys[-1][0]

    def is_of_one_second(self, size: int) -> bool:
        """Whether it is full, with `size` entries of one second, so that the next page may go on with it."""
        return len(self.keys) >= size and self.first_second == self.last_second

    @property
    def in_order(self) -> bool:
        return all(above[0] >= below[0] for above, below in zip(self.keys, self.keys[1:], strict=False))


@dataclass
class Evidence:
    """Trades by the answers that show them: of each key there are as many as the answer with the most of them shows."""

    trades: dict[TradeKey, list[Trade]] = field(default_factory=dict)

    def add(self, keys: list[TradeKey], trades: list[Trade]) -> None:
        shown: dict[TradeKey, list[Trade]] = {}
        for key, trade in zip(keys, trades, strict=True):
            shown.setdefault(key, []).append(trade)
        if not self.trades:
            self.trades = shown
            return
        for key, copies in shown.items():
            if len(copies) > len(self.trades.get(key, ())):
                self.trades[key] = copies


def cut_short(position: int, total: int | None) -> PageRead:
    """What stands for a page that the exchange does not give: the reading ends above it."""
    return PageRead(0, {}, total, position, True, [], b"", is_cut=True)


def page_that_spans(first: int, last: int, size: int) -> tuple[int, int] | None:
    """The number and limit of the page that holds the list's entries `first` to `last` with the most room around."""
    best: tuple[int, int, int] | None = None
    for limit in range(size - 1, _SMALLEST_LIMIT - 1, -1):
        number = (first - 1) // limit + 1
        room = min(first - 1 - (number - 1) * limit, number * limit - last)
        if room >= 0 and (best is None or room > best[0]):
            best = (room, number, limit)
    return None if best is None else (best[1], best[2])


def is_full_of_copies(shown: ListedPage) -> bool:
    """Whether the page is of one second and of so few kinds of trades that the next one can well look the same."""
    keys = shown.keys
    return keys[0][0] == keys[-1][0] and len(set(keys)) * _COPIES_OF_EACH <= len(keys)


def stands_above(above: ListedPage, below: ListedPage) -> bool:
    """Whether a list that is ordered by time can have the one page above the other, and not just shows it again."""
    if not (above.keys and below.keys):
        return True
    if above.last_second < below.first_second:
        return False
    return above.keys != below.keys or is_full_of_copies(below)
