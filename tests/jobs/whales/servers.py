"""Exchanges as they really are: several servers, caches, orders of their own, corrections, caps and short pages.

One list of trades is the truth. What a request is answered from is a snapshot of it, seen through a server that may
lag, keep old answers, order what shares a second as it likes, or count wrongly. `agree` ends all that passes.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Literal

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.errors import ApiError

from .list_model import Identity, identity

Ties = Literal["stable", "by page", "at random", "heap"]
FOREVER = float("inf")


@dataclass
class Entry:
    """A trade of the list, from when it is listed to when it is withdrawn, in seconds of the exchange's clock."""

    trade: Trade
    listed_at: float
    serial: int
    gone_at: float = FOREVER


@dataclass
class Servers:
    """The list as its servers show it. `now` moves with every request. Faults:

    `lags` are those of the replicas, of which each request meets one; `cached_pages` first pages are cached for
    `cached_for` seconds; `other_total` takes the total from another replica; `claim` turns it into another one;
    pages beyond `last_page` are answered with `refusal`, or with the last one again if `repeats_last`; pages have at
    most `page_size` entries; `by_index` orders by when a trade was listed.
    """

    chance: Random
    ties: Ties = "stable"
    lags: tuple[float, ...] = (0.0,)
    cached_pages: int = 0
    cached_for: float = 0.0
    other_total: bool = False
    claim: Callable[["Servers", int], int] = lambda servers, total: total
    last_page: int | None = None
    refusal: ApiError | None = None
    repeats_last: bool = False
    page_size: int = PAGE_SIZE
    by_index: bool = False
    seconds_a_request: float = 0.1
    now: float = 0.0
    entries: list[Entry] = field(default_factory=list)
    fetches: int = 0
    coming: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    spelling: Callable[[Trade], Trade] = lambda trade: trade
    _cache: dict[tuple[int, int], tuple[float, Page[Trade]]] = field(default_factory=dict)
    _serial: int = 0

    def add(self, trade: Trade) -> Entry:
        """List a trade from now on."""
        self._serial += 1
        self.entries.append(Entry(trade, self.now, self._serial))
        return self.entries[-1]

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen then."""
        self._serial += 1
        self.coming.append((self.now + seconds, event))

    def advance(self, seconds: float) -> None:
        """Let time pass, with what happens in it."""
        end = self.now + seconds
        while due := [entry for entry in self.coming if entry[0] <= end]:
            first = min(due, key=lambda entry: entry[0])
            self.coming.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end

    def agree(self) -> None:
        """All servers show the same again, and count what they show; ties, caps and page sizes are for good."""
        self.lags, self.cached_pages, self.other_total = (0.0,), 0, False
        self._cache.clear()

    def truth(self, at: float | None = None) -> list[Trade]:
        """What is listed, in the honest order."""
        return [self.spelling(entry.trade) for entry in self._snapshot(self.now if at is None else at, "stable")]

    def identities(self) -> Counter[Identity]:
        """What is listed, as a multiset."""
        return Counter(identity(trade) for trade in self.truth())

    def fetch(self, number: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        """A page as one of the servers answers it."""
        self.advance(self.seconds_a_request * self.chance.uniform(0.7, 1.5))
        self.fetches += 1
        kept = self._cache.get((number, limit))
        if kept and kept[0] > self.now:
            return kept[1]
        page = self._answer(number, min(limit, self.page_size))
        if number <= self.cached_pages:
            self._cache[number, limit] = (self.now + self.cached_for, page)
        return page

    def fetch_newest(self, known: bytes | None) -> Page[Trade] | None:
        """The first page, unless it is as it was."""
        page = self.fetch(1)
        return None if page.digest == known else page

    def _answer(self, number: int, limit: int) -> Page[Trade]:
        at = self.now - self.chance.choice(self.lags)
        listed = self._snapshot(at, self.ties, number * 100 + limit)
        counted_at = self.now - self.chance.choice(self.lags) if self.other_total else at
        total = self.claim(self, len(listed) if counted_at == at else self._count(counted_at))
        pages = max(1, -(-len(listed) // limit))
        if self.refusal is not None and self.last_page and number * limit > self.last_page * PAGE_SIZE:
            raise self.refusal
        if self.repeats_last:
            number = min(number, pages)
        entries = self._cut(listed, number, limit)
        shown = [self.spelling(entry.trade) for entry in entries]
        # As good as a digest of all fields, and cheaper.
        digest = repr(([entry.serial for entry in entries], self.spelling, total)).encode()
        return Page(shown, total, len(shown), [], digest=digest)

    def _count(self, at: float) -> int:
        return sum(1 for entry in self.entries if entry.listed_at <= at < entry.gone_at)

    def _cut(self, listed: list[Entry], number: int, limit: int) -> list[Entry]:
        first = (number - 1) * limit
        if self.ties != "heap":
            return listed[first : first + limit]
        # As a top-N sort does it: which of equals stand on the page depends on how many rows were kept for it.
        kept = heapq.nlargest(first + limit, listed, key=lambda entry: (entry.trade.created_at, _mix(entry, first)))
        return kept[first : first + limit]

    def _snapshot(self, at: float, ties: Ties, page: int = 0) -> list[Entry]:
        listed = [entry for entry in self.entries if entry.listed_at <= at < entry.gone_at]
        if self.by_index:
            return sorted(listed, key=lambda entry: (entry.listed_at, entry.serial), reverse=True)
        if ties == "by page":
            return sorted(listed, key=lambda entry: (-entry.trade.created_at, _mix(entry, page)))
        if ties == "at random":
            drawn = {entry.serial: self.chance.random() for entry in listed}
            return sorted(listed, key=lambda entry: (-entry.trade.created_at, drawn[entry.serial]))
        return sorted(listed, key=lambda entry: (entry.trade.created_at, entry.serial), reverse=True)


def _mix(entry: Entry, salt: int) -> int:
    return (entry.serial * 2_654_435_761 + salt * 40_503) % 1_000_003


def shorter(trade: Trade) -> Trade:
    """The same trade with its numbers cut to six decimals."""
    six = Decimal("0.000001")
    return trade.model_copy(
        update={name: getattr(trade, name).quantize(six, "ROUND_DOWN") for name in ("price", "shares", "amount")}
    )


def merged(trade: Trade) -> Trade:
    """The same trade after its market has become part of another one."""
    return trade.model_copy(update={"market_id": "4242"})


def filled(trade: Trade) -> Trade:
    """The same trade with what was empty filled in."""
    return trade.model_copy(update={"outcome_side": 1})


def make_trade(
    content: int, second: int, *, share: str = "0", side: str = "Buy", outcome_side: int | None = 1
) -> Trade:
    """A trade whose content is that number's; `share` is added to its amount."""
    amount = Decimal(abs(content) + 1) + Decimal(share)
    fields = {
        "txHash": f"0x{abs(content) // 3:x}",
        "marketId": 70 + abs(content) % 2,
        "side": "Buy",
        "outcome": "Yes",
        "outcomeSide": outcome_side,
        "price": "0.3333333333333333",
        "shares": str(2 * amount),
        "amount": str(amount),
        "fee": "0.01",
        "profit": "0.5",
        "quoteToken": "0xquote",
        "chainId": "56",
        "createdAt": second,
    }
    return Trade.model_validate(fields)
