"""Further answers that show a second whole which the pages of a list cut."""

import logging
from collections import Counter
from typing import Protocol

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.errors import ApiUnavailable, BadAnswer, RequestRefused
from opinionscope.jobs.whales.listed_page import Evidence, ListedPage, page_that_spans, stands_above
from opinionscope.jobs.whales.trade_key import trade_key
from opinionscope.store.counted_trades import TradeKey

logger = logging.getLogger(__name__)


class FetchPage(Protocol):
    """Fetches a page by its number, of at most `limit` entries."""

    def __call__(self, number: int, limit: int = PAGE_SIZE) -> Page[Trade]: ...


class WholeSecond:
    """The answers about one second, which become `evidence`.

    `total` is the highest count of the list in them, and `has_failed` says that one did not come, though it may another
    time. The list is asked for pages of `asked` entries, and gives `size`.
    """

    def __init__(self, fetch_page: FetchPage, asked: int, size: int, evidence: Evidence) -> None:
        self.has_failed = False
        self._fetch_page = fetch_page
        self._asked = asked
        self._size = size
        self._evidence = evidence
        self._totals = set[int | None]()

    @property
    def total(self) -> int:
        return max((total or 0 for total in self._totals), default=0)

    def read(self, shown: ListedPage, above: ListedPage | None, doubtful: ListedPage) -> Counter[TradeKey] | None:
        """The trades of the second that `doubtful` begins with, down to the page `shown`; None if in doubt.

        `above` is the page above `shown`. Raises whatever a fetch raises, except for a page of another limit.
        """
        found = self._page_that_holds_it(shown, above) if above and doubtful is shown else None
        return self._read_upwards(shown, doubtful) if found is None else self._bridge(shown, *found)

    def _page_that_holds_it(self, shown: ListedPage, above: ListedPage) -> tuple[int, int] | None:
        """The number and limit of a page that holds the whole second across the upper end of this page, if any does."""
        second = shown.first_second
        if shown.is_of_one_second(self._size) or (above.first_second == second and above.number > 1):
            return None
        cut = (shown.number - 1) * self._size
        first = cut - sum(1 for key in above.keys if key[0] == second) + 1
        last = cut + sum(1 for key in shown.keys if key[0] == second)
        # With its neighbours, and room for what comes on top in the meantime.
        for room in (2, 1):
            found = page_that_spans(max(1, first - 1), last + room, self._size)
            if found is not None:
                return found
        grown = max(0, (shown.page.total or 0) - (above.page.total or 0))
        return page_that_spans(max(1, first - 1 + grown), last + 1, self._size)

    def _fetch_across(self, number: int, limit: int) -> ListedPage:
        """The page of another limit; an exchange that does not give it leaves open what it would have settled."""
        try:
            page = self._fetch_page(number, limit)
        except (RequestRefused, ApiUnavailable, BadAnswer) as failure:
            logger.debug("page %d of limit %d: %s", number, limit, failure)
            self.has_failed |= not isinstance(failure, RequestRefused)
            page = Page([], None, 0, [])
        across = self._look_again_at(number, page)
        self._evidence.add(across.keys, page.items)
        return across

    def _look_again_at(self, number: int, page: Page[Trade]) -> ListedPage:
        self._totals.add(page.total)
        return ListedPage(number, page, [trade_key(trade) for trade in page.items])

    def _bridge(self, shown: ListedPage, number: int, limit: int) -> Counter[TradeKey] | None:
        across = self._fetch_across(number, limit)
        page, keys = across.page, across.keys
        places = [place for place, key in enumerate(keys) if key[0] == shown.first_second]
        if not places or page.problems:
            return None
        begins = places[0] > 0 or number == 1
        ends = places[-1] < len(keys) - 1 or page.length < min(limit, self._size)
        return Counter(keys[place] for place in places) if begins and ends else None

    def _read_upwards(self, shown: ListedPage, doubtful: ListedPage) -> Counter[TradeKey] | None:
        """Read the pages above up to where the second begins that the page `doubtful` began with.

        By now that page may begin with another one, of what has been pushed down to it.
        """
        pages, number, second, has_begun = [shown], shown.number, doubtful.first_second, True
        while number > 1 and (number >= doubtful.number or (pages[0].keys and pages[0].first_second == second)):
            number -= 1
            above = self._look_again_at(number, self._fetch_page(number, self._asked))
            if not stands_above(above, pages[0]):
                has_begun = False
                break
            pages.insert(0, above)
        for each in pages:
            self._evidence.add(each.keys, each.page.items)
        if len(pages) == 1 or not self._agrees_across_cuts(pages):
            return None
        together = [(key, trade) for each in pages for key, trade in zip(each.keys, each.page.items, strict=True)]
        self._evidence.add([key for key, _ in together], [trade for _, trade in together])
        # What has slid from one page to the next in the meantime is on neither, so there may be more.
        if not has_begun or self._totals != {shown.page.total}:
            return None
        return Counter(key for key, _ in together if key[0] == second)

    def _agrees_across_cuts(self, pages: list[ListedPage]) -> bool:
        """Whether answers of another limit, laid across each cut between the pages, show the same in the same order."""
        begin = (pages[0].number - 1) * self._size
        expected = [key for each in pages for key in each.keys]
        if len(expected) != sum(each.page.length for each in pages) or any(
            each.page.length != self._size for each in pages[:-1]
        ):
            return False
        for below in pages[1:]:
            cut = (below.number - 1) * self._size
            found = page_that_spans(max(1, cut - 1), cut + 2, self._size) or page_that_spans(cut, cut + 1, self._size)
            if found is None:
                return False
            number, limit = found
            keys = self._fetch_across(number, limit).keys
            first = (number - 1) * limit - begin
            seen = keys[max(0, -first) :]
            wanted = expected[max(0, first) : first + limit]
            if not seen or seen[: len(wanted)] != wanted[: len(seen)]:
                return False
        return True
