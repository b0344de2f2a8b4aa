"""How much of the list of markets has been read, and when that is all of it. Pure: pages in, a judgement out."""

from collections.abc import Sequence

from opinionscope.api.answers import UnreadPage
from opinionscope.api.client import PAGE_SIZE
from opinionscope.store.markets import MarketKey

PAGES_WITHOUT_NEWS = 3


class ListReading:
    """A reading of the list, page by page.

    The list ends where as many different entries have been read as the exchange counts. A page's length says little:
    a server was seen to give 10 entries where 20 were asked for, and another to give the same 48 for every page. The
    count is only approximate, since the list moves while it is read, so pages that are full are followed by another
    one anyway, and pages that bring nothing new end the list wherever it is.
    """

    def __init__(self) -> None:
        self.pages = 0
        self._missed_pages = 0
        self._seen: set[MarketKey] = set()
        self._unreadable = 0
        self._fullest = 0
        self._total: int | None = None
        self._barren = 0
        self._empty_page: int | None = None
        self._ended = False

    @property
    def entries(self) -> int:
        """How many different entries have been read."""
        return len(self._seen) + self._unreadable

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be missing from what was read."""
        return not self._missed_pages

    @property
    def has_ended(self) -> bool:
        """Whether there is no point in reading on."""
        return self._ended or self._barren >= PAGES_WITHOUT_NEWS

    @property
    def has_reached_its_count(self) -> bool:
        """Whether as many pages were fetched, well or not, as hold what the exchange counts."""
        return self._total is not None and self.pages >= self.expected_pages

    @property
    def expected_pages(self) -> int:
        """How many pages the list seems to have."""
        return -(-(self._total or 0) // (self._fullest or PAGE_SIZE)) or 1

    def miss(self, number: int) -> None:
        """Take note of a page that could not be read."""
        self.pages = number
        self._missed_pages += 1
        self._barren += 1

    def take_in(self, number: int, page: UnreadPage, keys: Sequence[MarketKey]) -> list[str]:
        """Take note of a page and the `keys` of the entries that could be read; what cannot be right about it."""
        before, length = len(self._seen), len(page.entries)
        self._seen.update(keys)
        self._unreadable += length - len(keys)
        has_news = len(self._seen) > before
        self.pages = number
        self._fullest = max(self._fullest, length)
        if page.total is not None:
            self._total = page.total if self._total is None else min(self._total, page.total)
        self._barren = 0 if has_news else self._barren + 1
        problems = self._judge(number, length, has_news=has_news)
        self._ended = not length if self._total is None else self._is_complete
        self._ended &= length < PAGE_SIZE or not has_news
        return problems

    @property
    def _is_complete(self) -> bool:
        """Whether as many entries as the exchange counts were read, or were on pages that are missed."""
        missed = self._missed_pages * (self._fullest or PAGE_SIZE)
        return self._total is not None and self.entries + missed >= self._total

    def _judge(self, number: int, length: int, *, has_news: bool) -> list[str]:
        if not length:
            self._empty_page = number
        elif has_news and self._empty_page is not None:
            empty, self._empty_page = self._empty_page, None
            self._missed_pages += 1
            return [f"page {empty} of the list came empty, the one below it did not"]
        elif not has_news and length >= self._fullest and not self._is_complete:
            self._missed_pages += 1
            of = "" if self._total is None else f" of {self._total}"
            return [
                f"page {number} of the list shows once more what earlier pages have shown: "
                f"{self.entries}{of} markets could be read"
            ]
        return []
