"""Read a wallet's list of positions: all of its pages, while it may change."""

from collections.abc import Callable
from dataclasses import dataclass, field

from opinionscope.api.answers import Page
from opinionscope.api.models import Position
from opinionscope.store.position_checks import PositionKey

_MOST_PAGES = 1_000

FetchPage = Callable[[int], Page[Position]]


@dataclass
class PositionList:
    """The positions that the pages showed. `entries` counts what they listed, `total` is the exchange's last count.

    `has_moved`: the list changed while it was read. `problems` says what else was wrong with it.
    """

    positions: dict[PositionKey, Position] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    entries: int = 0
    total: int | None = None
    has_moved: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the wallet holds nothing else, as far as the exchange knows."""
        return not (self.has_moved or self.problems)

    def take_in(self, number: int, page: Page[Position]) -> bool:
        """Take a page in; whether the list goes on after it."""
        self.has_moved |= number > 1 and page.total != self.total
        self.total = page.total
        self.entries += page.length
        self.problems += page.problems
        shown = {PositionKey(each.market_id, each.outcome_side): each for each in page.items}
        repeats = len(page.items) - len(shown.keys() - self.positions.keys())
        self.has_moved |= repeats > 0
        self.positions |= shown
        tells_nothing_new = repeats == len(page.items) and not page.problems
        return not tells_nothing_new and (self.total is None or self.entries < self.total)

    def end(self) -> None:
        """Compare what was listed with the exchange's own count of it."""
        if not self.has_moved and self.total not in (None, self.entries):
            self.problems.append(f"the list has {self.entries:,} positions and a total of {self.total:,}")


def read_positions(fetch: FetchPage) -> PositionList:
    """The whole list, read once more if it moved.

    Prices change the order of the list, so that one page repeats what another misses: what two readings show together
    is the list if its length is the count that both of them gave.
    """
    first = _read_once(fetch)
    if not first.has_moved:
        return first
    second = _read_once(fetch)
    together = first.positions | second.positions
    if second.has_moved and first.total == second.total == len(together):
        return PositionList(together, second.problems, len(together), second.total)
    return second


def _read_once(fetch: FetchPage) -> PositionList:
    listed = PositionList()
    for number in range(1, _MOST_PAGES + 1):
        if not listed.take_in(number, fetch(number)):
            break
    listed.end()
    return listed
