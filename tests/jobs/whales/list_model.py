"""Upstream's list of one wallet's trades, in memory: each fetch is a snapshot of it, and it moves between fetches."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.errors import ApiUnavailable, OutOfTime

Identity = tuple[int, str, str, str, float]
"""What makes a trade that trade, told independently of the product: second, transaction, market, side, amount."""

FIRST_SECOND = 1_790_000_000
SIDES = ("Buy", "Sell", "SPLIT", "merge")
OUTCOMES = (("Yes", 1), ("No", 2), ("No", None), ("Ann", None), ("Ann", 2))
UNIQUE = -1


@dataclass(frozen=True)
class Batch:
    """Trades that appear together: `count` of them, their contents taken from `pattern` in turn.

    Equal numbers of the pattern are trades that agree in every field but, with `fees`, fee and profit; `UNIQUE` is
    one of its own. `depth` is the list position they appear beside (0: at the head), `spread` how many share a second.
    """

    count: int
    pattern: tuple[int, ...] = (UNIQUE,)
    depth: int = 0
    spread: int = 1_000
    fees: int = 1


@dataclass(frozen=True)
class Purge:
    """A cleanup, in a process of its own: what is older than `age` seconds behind the newest trade, by `batch` rows."""

    age: int
    batch: int


class Died(BaseException):
    """The process was killed."""


class OutOfBudget(OutOfTime):
    """No more requests in this run."""


Event = Batch | Purge | ApiUnavailable | Died
Total = Callable[[int], int | None]


class ListModel:
    """The list, newest second first, in a second the later-added first, and what happens to it while it is read.

    `happens` is taken from the left, one entry (which may be several events) before each fetch. `budget` is how many
    fetches are left. `claim` turns the true total into the one that upstream tells, `purge` does a cleanup.
    """

    def __init__(self, claim: Total = lambda total: total) -> None:
        self.entries: list[Trade] = []
        self.claim = claim
        self.purge: Callable[[Purge], None] = lambda purge: None
        self.budget = 10**9
        self.fetches = 0
        self.happens: deque[Sequence[Event]] = deque()
        self._serial = count(1)

    def fetch(self, number: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        """A page as upstream answers it, after whatever happens before."""
        for event in self.happens.popleft() if self.happens else ():
            if isinstance(event, Batch):
                self.add(event)
            elif isinstance(event, Purge):
                self.purge(event)
            else:
                raise event
        if self.budget <= 0:
            raise OutOfBudget
        self.budget -= 1
        self.fetches += 1
        items = self.entries[(number - 1) * limit : number * limit]
        total = self.claim(len(self.entries))
        return Page(items, total, len(items), [], digest=repr((items, total)).encode())

    def fetch_newest(self, known: bytes | None) -> Page[Trade] | None:
        """The first page, unless it is as it was."""
        page = self.fetch(1)
        return None if page.digest == known else page

    def add(self, batch: Batch) -> None:
        """Put the trades of a batch where they belong."""
        beside = self.entries[min(batch.depth, len(self.entries) - 1)].created_at if self.entries else FIRST_SECOND
        for number in range(batch.count):
            content = batch.pattern[number % len(batch.pattern)]
            second = beside + (number // batch.spread if batch.depth == 0 else 0)
            self._insert(_trade(content if content != UNIQUE else -next(self._serial), second, number % batch.fees))

    def _insert(self, trade: Trade) -> None:
        newer = sum(1 for entry in self.entries if entry.created_at > trade.created_at)
        self.entries.insert(newer, trade)


def _trade(content: int, second: int, detail: int) -> Trade:
    side = SIDES[abs(content) % len(SIDES)]
    outcome, outcome_side = OUTCOMES[abs(content) % len(OUTCOMES)]
    return Trade.model_validate(
        {
            "txHash": f"0x{abs(content) // 3:x}" + ("" if content >= 0 else "u"),
            "marketId": 70 + abs(content) % 2,
            "side": side,
            "outcome": outcome,
            "outcomeSide": outcome_side,
            "price": "0.5",
            "shares": f"{2 * abs(content) + 2}.0",
            "amount": f"{abs(content) + 1}.000",
            "fee": f"0.0{detail}",
            "profit": f"{detail - 1}.5",
            "quoteToken": "0xquote",
            "chainId": "56",
            "createdAt": second,
        }
    )


def identity(trade: Trade) -> Identity:
    """The identity of a trade as the list shows it."""
    return trade.created_at, trade.tx_hash, trade.market_id, trade.side, float(trade.amount)


def identities(trades: Iterable[Trade]) -> Counter[Identity]:
    """The list as a multiset."""
    return Counter(identity(trade) for trade in trades)
