"""One reading of a wallet's list, page by page, while the list moves: what in it are trades of their own?

New trades push the list down between two requests, servers order what shares a second as they like, and replicas and
caches answer from different moments. So what two answers show together is not known; what one answer shows is. Copies,
which are trades that agree in every field, count together only where one answer shows them:

* Where a second is cut by the end of a page and a trade of it stands on both sides, one more request with another
  `limit` brings an answer that holds the whole second.
* A second that fits into no single answer is read upwards, from the bottom: entries only ever move down, so what was
  on the lower page cannot have come up in the meantime. It counts if answers of another `limit`, laid across the cuts,
  show the same entries in the same order.

In doubt a reading counts fewer: the exchange's total tells of what was missed, and a later reading finds it.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.jobs.whales.listed_page import Closed, Evidence, ListedPage, PageRead, is_full_of_copies
from opinionscope.jobs.whales.trade_key import trade_key
from opinionscope.jobs.whales.whole_second import FetchPage, WholeSecond
from opinionscope.store.counted_trades import TradeKey

_DOUBTFUL_PAGES = 10
_BARREN_PAGES = 5
_MOST_ADDED_UP = 250

FetchNewest = Callable[[bytes | None], Page[Trade] | None]
"""Fetches the first page, unless its answer has the digest that is given."""


class PageReader:
    """Pages of one wallet, each below the one before, with equal trades kept apart.

    `size` is how many entries a page is asked for. `adds_up` is for lists that are not ordered by time, where equal
    trades may stand far apart: the pages of a whole reading count together if they make up a total that stayed.
    """

    def __init__(self, fetch_page: FetchPage, size: int = PAGE_SIZE, *, adds_up: bool = False) -> None:
        self._fetch_page = fetch_page
        self._together: list[ListedPage] | None = [] if adds_up else None
        self._asked = self.size = size
        self._above: ListedPage | None = None
        self._open_second: int | None = None
        self._of_open_second: Counter[TradeKey] = Counter()
        self._settled: Counter[TradeKey] | None = None
        self._waiting: list[ListedPage] = []
        self._shown: set[TradeKey] = set()
        self._first_total: int | None = None
        self._barren = 0

    def pages_from(self, number: int, page: Page[Trade] | None = None) -> Iterator[PageRead]:
        """The pages from `number` on, down to the end of the list; `page` is the first of them, if it is here already.

        Raises whatever a fetch raises.
        """
        doubtful: ListedPage | None = None
        while True:
            shown = self._look_at(number, page or self._fetch_page(number, self._asked))
            if self._repeats(shown):
                yield self._end_at_repetition(shown)
                return
            if doubtful is None and self._may_hold_copies(shown):
                doubtful = shown
            is_near = doubtful is not None and number - doubtful.number < _DOUBTFUL_PAGES
            if is_near and shown.is_of_one_second(self.size):
                self._waiting.append(shown)
                self._carry(shown)
            else:
                read = self._take_in(shown, doubtful)
                yield read
                if read.is_last:
                    return
                doubtful = None
                self._waiting.clear()
            self._above = shown
            number, page = number + 1, None

    def _look_at(self, number: int, page: Page[Trade]) -> ListedPage:
        if number == 1 and 0 < page.length < self.size and page.length < (page.total or 0):
            # The length of a page is what is served, not what was asked for.
            self.size = page.length
        return ListedPage(number, page, [trade_key(trade) for trade in page.items])

    def _repeats(self, shown: ListedPage) -> bool:
        """Whether the exchange shows the last page once more, or pages without anything new, instead of the next."""
        above, total = self._above, shown.page.total or 0
        self._barren = self._barren + 1 if shown.keys and self._shown.issuperset(shown.keys) else 0
        self._shown.update(shown.keys)
        if above is None or not shown.keys or is_full_of_copies(shown):
            return False
        if self._first_total is None:
            self._first_total = above.page.total or 0
        # What has come on top during this reading has pushed as many pages down that it has already seen.
        pushed_down = max(0, total - self._first_total) // self.size
        if self._barren >= _BARREN_PAGES + pushed_down:
            return True
        grown = max(0, total - (above.page.total or 0))
        return shown.keys == above.keys and grown < shown.page.length

    def _end_at_repetition(self, shown: ListedPage) -> PageRead:
        position = (shown.number - 1) * self.size
        if self._above is not None:
            position = self._position(self._above)
        is_cut = position < (shown.page.total or 0)
        closed = None if is_cut else self._close(shown, below=None)
        page = shown.page
        return PageRead(shown.number, {}, page.total, position, True, [], page.digest, is_cut, closed=closed)

    def _may_hold_copies(self, shown: ListedPage) -> bool:
        """Whether the page begins with the second that the last one ended with, and shows trades of it again."""
        above = self._above
        if above is None or not (above.keys and shown.keys) or above.last_second != shown.first_second:
            return False
        ending = {key for key in above.keys if key[0] == above.last_second}
        if above.last_second == self._open_second:
            ending.update(self._of_open_second)
        return not ending.isdisjoint(shown.keys)

    def _take_in(self, shown: ListedPage, doubtful: ListedPage | None) -> PageRead:
        evidence = Evidence()
        for each in (*self._waiting, shown):
            evidence.add(each.keys, each.page.items)
        total, lacks_answers = shown.page.total, False
        whole = self._settled = None
        if doubtful is not None:
            across = WholeSecond(self._fetch_page, self._asked, self.size, evidence)
            whole = across.read(shown, self._above, doubtful)
            # If a page of a single other second has followed the doubtful one, that other second is the open one.
            self._settled = whole if doubtful.first_second == self._open_second else None
            # What the later answers show may be counted only by them.
            total = None if total is None else max(total, across.total)
            lacks_answers = across.has_failed
        page, position = shown.page, self._position(shown)
        is_last = self._is_last(shown, position)
        self._add_up(shown, evidence, is_last=is_last)
        in_order, closed = shown.in_order, None
        is_end = is_last and position >= (page.total or 0)
        if in_order and not page.problems:
            closed = self._close(shown, below=None if is_end else self._bottom(shown))
            self._carry(shown)
        else:
            self._open_second = None
        return PageRead(
            shown.number,
            evidence.trades,
            total,
            position,
            is_last,
            page.problems,
            page.digest,
            in_order=in_order,
            is_settled=doubtful is None or whole is not None,
            lacks_answers=lacks_answers,
            closed=closed,
        )

    def _add_up(self, shown: ListedPage, evidence: Evidence, *, is_last: bool) -> None:
        """Take the pages of a list that is out of order together, where its total stayed and they make it up."""
        if self._together is None:
            return
        self._together += [*self._waiting, shown]
        first = self._together[0]
        is_next = first.number == 1 and len(self._together) == shown.number <= _MOST_ADDED_UP
        if not is_next or any(each.page.total != first.page.total for each in (*self._waiting, shown)):
            self._together = None
        elif is_last and sum(len(each.keys) for each in self._together) == shown.page.total:
            keys = [key for each in self._together for key in each.keys]
            evidence.add(keys, [trade for each in self._together for trade in each.page.items])

    def _position(self, shown: ListedPage) -> int:
        return (shown.number - 1) * self.size + shown.page.length

    def _is_last(self, shown: ListedPage, position: int) -> bool:
        """An empty page ends the list; so does one that is not full, or nothing new, where the total is reached."""
        if shown.page.length == 0:
            return True
        return position >= (shown.page.total or 0) and (shown.page.length < self.size or self._barren > 0)

    # What the list shows no more.

    def _bottom(self, shown: ListedPage) -> int | None:
        return shown.last_second if shown.keys else self._open_second

    def _close(self, shown: ListedPage, below: int | None) -> Closed | None:
        if self._open_second is None and shown.number > 1:
            # What stands above the page is not known, so neither is whether its first second begins with it.
            return None if not shown.keys else Closed(below, shown.first_second - 1, Counter(shown.keys))
        if shown.number == 1 and not shown.keys:
            return None
        at_most = Counter(shown.keys)
        if self._open_second is not None:
            at_most.update(self._of_open_second)
        if self._settled is not None:
            second = self._open_second
            at_most = Counter({key: count for key, count in at_most.items() if key[0] != second}) + self._settled
        return Closed(below, self._open_second, at_most)

    def _carry(self, shown: ListedPage) -> None:
        """Keep the trades of the second that the page ends with, for the next page may go on with it."""
        if not shown.keys:
            return
        ending = Counter(key for key in shown.keys if key[0] == shown.last_second)
        if shown.last_second == self._open_second:
            self._of_open_second.update(ending)
        elif shown.number == 1 or shown.last_second != shown.first_second or self._is_below_open_second(shown):
            self._open_second, self._of_open_second = shown.last_second, ending

    def _is_below_open_second(self, shown: ListedPage) -> bool:
        """Whether the page begins later in the list than the open second, and is not one that was pushed down again."""
        return self._open_second is not None and shown.first_second < self._open_second
