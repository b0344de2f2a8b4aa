"""One reading of a wallet's list, page by page, while the list moves: what in it are trades of their own?

New trades push the list down between two requests, so that a page can show again what an earlier page showed; and
fills that agree in every field can stand on both sides of a page boundary. The two look alike. Two facts tell them
apart, and neither needs an honest total:

* The list is ordered by time. Equal fills on several pages fill all that lies between them, so they are of the second
  that one page ends with and the next begins with. Whatever else a page shows again is the same trade.
* Entries only ever move down. So a page and the pages above it are apart if they are read from the bottom up: what was
  on the lower one cannot have come up in the meantime.

Going down is therefore enough to miss nothing, and where a page may hold further copies of what the pages above it
have shown, all pages that hold that second are read again, upwards. What was pushed across a boundary meanwhile is
missed, never seen twice; the exchange's total tells of it and a later reading finds it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.errors import BadAnswer
from opinionscope.jobs.whales.trade_key import trade_key
from opinionscope.store.counted_trades import TradeKey

_BARREN_PAGES = 5
_DOUBTFUL_PAGES = 10
_COPIES_OF_EACH = 4

FetchPage = Callable[[int], Page[Trade]]
FetchNewest = Callable[[bytes | None], Page[Trade] | None]
"""Fetches the first page, unless its answer has the digest that is given."""


@dataclass(frozen=True)
class PageRead:
    """A page within a reading, with pages above it where that was needed to tell copies from repeats.

    `trades` are all different trades, newest first, and `keys` their keys. `total` is the exchange's latest count of
    the whole list, `position` how many entries there are down to the end of the page, `is_last` whether the list ends
    with it, `problems` what could not be read, `digest` that of the page's answer.
    """

    number: int
    trades: list[Trade]
    keys: list[TradeKey]
    total: int | None
    position: int
    is_last: bool
    problems: list[str]
    digest: bytes


class PageReader:
    """Pages of one wallet, each below the one before, with equal trades kept apart."""

    def __init__(self, fetch_page: FetchPage) -> None:
        self._fetch_page = fetch_page
        self._keys: list[TradeKey] = []
        self._last_second: int | None = None
        self._of_last_second: set[TradeKey] = set()
        self._shown: Counter[TradeKey] = Counter()
        self._barren = 0
        self._first_total: int | None = None

    def pages_from(self, number: int, page: Page[Trade] | None = None) -> Iterator[PageRead]:
        """The pages from `number` on, down to the end of the list; `page` is the first of them, if it is here already.

        Raises BadAnswer if the exchange shows the same entries page after page, and whatever a fetch raises.
        """
        first, doubtful = number, None
        while True:
            page = page or self._fetch_page(number)
            if doubtful is None and (number == first > 1 or self._may_hold_copies(number, page)):
                doubtful = number
            if doubtful is None or number - doubtful >= _DOUBTFUL_PAGES or not _is_of_one_second(page):
                pages = [page] if doubtful is None else self._with_pages_above(number, page, doubtful)
                read = self._take_in(number, page, pages)
                yield read
                if read.is_last:
                    return
                doubtful = None
            number, page = number + 1, None

    def _may_hold_copies(self, number: int, page: Page[Trade]) -> bool:
        """Whether the page begins with the second that the last one ended with, and shows trades of it again."""
        if not page.items or _first_second(page) != self._last_second:
            return False
        keys = _keys(page)
        if self._of_last_second.isdisjoint(keys):
            return False
        # The same page once more is either full of copies or an exchange that does not turn pages.
        return keys != self._keys or (_position(number, page) <= (page.total or 0) and _is_full_of_copies(page))

    def _with_pages_above(self, number: int, page: Page[Trade], doubtful: int) -> list[Page[Trade]]:
        """The page under those above it, read upwards to where the second that page `doubtful` begins with begins."""
        pages, second = [page], None
        while number > 1 and (number >= doubtful or _first_second(pages[0]) == second):
            if number == doubtful:
                second = _first_second(pages[0])
            number -= 1
            above = self._fetch_page(number)
            if not _stands_above(above, pages[0]):
                break
            pages.insert(0, above)
        return pages

    def _take_in(self, number: int, page: Page[Trade], pages: list[Page[Trade]]) -> PageRead:
        trades = [trade for each in pages for trade in each.items]
        keys_by_page = [_keys(each) for each in pages]
        keys = [key for each in keys_by_page for key in each]
        self._note_barren(Counter(keys), page.total or 0)
        self._keys = keys_by_page[-1]
        self._note_last_second(keys)
        problems = [problem for each in pages for problem in each.problems]
        is_last = self._is_last(number, page)
        return PageRead(number, trades, keys, pages[0].total, _position(number, page), is_last, problems, page.digest)

    def _note_barren(self, counts: Counter[TradeKey], total: int) -> None:
        """Note whether the page shows anything new. What the list has grown by may come again, more may not."""
        # Key by key: Counter's own operators would walk through all that the reading has shown so far.
        more = {key: count for key, count in counts.items() if count > self._shown[key]}
        self._barren = self._barren + 1 if counts and not more else 0
        self._shown.update({key: count - self._shown[key] for key, count in more.items()})
        self._first_total = total if self._first_total is None else self._first_total
        growth = max(0, total - self._first_total)
        if self._barren >= _BARREN_PAGES + growth // PAGE_SIZE:
            raise BadAnswer("the exchange shows the same trades page after page")

    def _note_last_second(self, keys: list[TradeKey]) -> None:
        last_second = keys[-1][0] if keys else None
        if last_second != self._last_second:
            self._of_last_second = set()
        self._last_second = last_second
        self._of_last_second.update(key for key in keys if key[0] == last_second)

    def _is_last(self, number: int, page: Page[Trade]) -> bool:
        """An empty page ends the list; so does one that is not full, or nothing new, where the total is reached."""
        if page.length == 0:
            return True
        return _position(number, page) >= (page.total or 0) and (page.length < PAGE_SIZE or self._barren > 0)


def _first_second(page: Page[Trade]) -> int | None:
    return page.items[0].created_at if page.items else None


def _is_of_one_second(page: Page[Trade]) -> bool:
    """Whether a full page is of one second, so that the next page may go on with it."""
    return page.length >= PAGE_SIZE and len({trade.created_at for trade in page.items}) == 1


def _keys(page: Page[Trade]) -> list[TradeKey]:
    return [trade_key(trade) for trade in page.items]


def _is_full_of_copies(page: Page[Trade]) -> bool:
    """Whether the page is of one second and of so few kinds of trades that the next one can well look the same."""
    keys = _keys(page)
    return keys[0][0] == keys[-1][0] and len(set(keys)) * _COPIES_OF_EACH <= len(keys)


def _stands_above(above: Page[Trade], below: Page[Trade]) -> bool:
    """Whether a list that is ordered by time can have the one page above the other, and not just shows it again."""
    if not (above.items and below.items):
        return True
    if above.items[-1].created_at < below.items[0].created_at:
        return False
    return _keys(above) != _keys(below) or _is_full_of_copies(below)


def _position(number: int, page: Page[Trade]) -> int:
    return (number - 1) * PAGE_SIZE + page.length
