"""One reading of a wallet's list, page by page, while the list moves: what in it are trades of their own?

New trades push the list down between two requests, so that a page can begin with entries of the page before it; and
fills that agree in every field can stand on both sides of a page boundary. The two look alike. They are told apart by
this:

* Nothing repeated from the page before: the two pages are apart, since a push would repeat something.
* The list is ordered by time, so equal fills on both sides of a boundary are all of the boundary's second. Repeats of
  other seconds are a push. So are repeats of which there are no more than the list has grown by, says its total.
* Otherwise the page before is asked for again. If it is as it was, nothing was pushed: the page read between its two
  answers is apart from it. If it is not, the reading goes on from it.

Copies of a trade add up over pages that are apart. After a push the sum starts anew, and the largest sum counts. No
rule needs an honest total: one that lies can make a reading count too few for the moment, never too many.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.errors import BadAnswer
from opinionscope.jobs.identity import trade_key
from opinionscope.store.activity import TradeKey

_CHECKS = 3
_BARREN_PAGES = 5

FetchPage = Callable[[int], Page[Trade]]


@dataclass(frozen=True)
class PageRead:
    """A page within a reading.

    `copies` says how many trades of each of its keys the reading has shown for certain, `position` how many entries
    of the list there are down to the end of the page, `is_last` whether the list ends with it.
    """

    number: int
    page: Page[Trade]
    keys: list[TradeKey]
    copies: dict[TradeKey, int]
    position: int
    is_last: bool


class Reading:
    """Pages of one wallet, each below the one before, with the count of equal trades kept straight."""

    def __init__(self, fetch_page: FetchPage) -> None:
        self._fetch_page = fetch_page
        self._page: Page[Trade] | None = None
        self._keys: list[TradeKey] = []
        self._unbroken: Counter[TradeKey] = Counter()
        self._seen: Counter[TradeKey] = Counter()
        self._barren = 0

    def pages_from(self, number: int) -> Iterator[PageRead]:
        """The pages from `number` on, down to the end of the list; one that had to be read again comes again.

        Raises BadAnswer if the exchange shows the same entries page after page, and whatever a fetch raises.
        """
        while True:
            for read in self._next(number):
                yield read
            if read.is_last:
                return
            number += 1

    def _next(self, number: int) -> Iterator[PageRead]:
        page, keys = self._fetch(number)
        apart = not self._repeated(keys)
        for _ in range(_CHECKS):
            if apart or not self._may_be_copies(page, keys):
                break
            again, again_keys = self._fetch(number - 1)
            apart = again_keys == self._keys and again.total == self._total
            if not apart:
                yield self._take_in(number - 1, again, again_keys, apart=False)
                page, keys = self._fetch(number)
                apart = not self._repeated(keys)
        yield self._take_in(number, page, keys, apart=apart)

    def _fetch(self, number: int) -> tuple[Page[Trade], list[TradeKey]]:
        page = self._fetch_page(number)
        return page, [trade_key(trade) for trade in page.items]

    @property
    def _total(self) -> int | None:
        return self._page.total if self._page else None

    def _repeated(self, keys: list[TradeKey]) -> int:
        """How many entries of the page can be entries of the page before."""
        return (Counter(keys) & Counter(self._keys)).total()

    def _may_be_copies(self, page: Page[Trade], keys: list[TradeKey]) -> bool:
        growth = max(0, (page.total or 0) - (self._total or 0))
        boundary = keys[0][0]
        of_the_boundary = self._keys[-1][0] == boundary and all(
            key[0] == boundary for key in set(keys) & set(self._keys)
        )
        same_page = keys == self._keys and len(set(keys)) > 1
        return of_the_boundary and not same_page and self._repeated(keys) > growth

    def _take_in(self, number: int, page: Page[Trade], keys: list[TradeKey], *, apart: bool) -> PageRead:
        counts = Counter(keys)
        self._unbroken = self._unbroken + counts if apart else counts
        shown = {key: max(self._seen[key], self._unbroken[key]) for key in counts}
        barren = counts and all(shown[key] == self._seen[key] for key in counts)
        self._barren = self._barren + 1 if barren else 0
        self._seen.update({key: shown[key] - self._seen[key] for key in counts})
        self._page, self._keys = page, keys
        if self._barren >= _BARREN_PAGES:
            raise BadAnswer("the exchange shows the same trades page after page")
        position = (number - 1) * PAGE_SIZE + page.length
        return PageRead(number, page, keys, shown, position, self._is_last(page, position))

    def _is_last(self, page: Page[Trade], position: int) -> bool:
        """An empty page ends the list; so does one that is not full, or nothing new, where the total is reached."""
        if page.length == 0:
            return True
        return position >= (page.total or 0) and (page.length < PAGE_SIZE or self._barren > 0)
