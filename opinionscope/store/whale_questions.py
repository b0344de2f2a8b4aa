"""The `whale_questions` table: how each wallet has done in each question, the unit of its track record.

What is read here is shown only for a wallet whose `net_profit` is not withheld: of a partial history it is not true.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, Literal, NamedTuple
from zlib import crc32

from opinionscope.records import Record, Seconds
from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM
from opinionscope.store.rows import StoredRow
from opinionscope.times import from_text

_PARTS = 32


class QuestionKey(NamedTuple):
    """A question of a wallet: `topic:` and the number of a topic, or the number of a market without one."""

    whale_address: str
    question: str

    @property
    def part(self) -> int:
        """In which part of the wallet's questions it is, always the same."""
        return crc32(self.question.encode()) % _PARTS


class QuestionRow(NamedTuple):
    """A question to be stored, under the names of the columns. Times are ISO text."""

    state: str
    realized: float
    settled: float
    unrealized: float | None
    exposure: float
    cost: float
    void_cost: float
    edge: float
    variance: float
    open_positions: int
    marked_positions: int
    without_outcome: int
    unknown_markets: int
    last_traded_at: str | None
    closed_at: str | None


@dataclass(frozen=True)
class Question(StoredRow):
    """How a wallet has done in a question, in the quote token.

    `unrealized` is None where no mark is known. `cost` is what all shares acquired in it cost, `void_cost` what those
    cost that are still held in markets that came to nothing. `closed_at` is when the last of it was decided or sold;
    None while it is open.
    """

    TABLE: ClassVar[str] = "whale_questions"

    question: str
    title: str | None
    state: Literal["open", "won", "lost", "even", "void"]
    net_profit: float
    realized: float
    settled: float
    unrealized: float | None
    exposure: float
    cost: float
    void_cost: float
    last_traded_at: Seconds | None
    closed_at: Seconds | None


@dataclass(frozen=True)
class MonthlyProfit(Record):
    """Net profit of a month (`2026-01`, UTC), and how many questions were won and lost in it."""

    month: str
    net_profit: float
    won: int
    lost: int


@dataclass(frozen=True)
class ProfitOfDay(Record):
    """Net profit from the first trade to the end of a day (UTC). `day` is its first moment."""

    day: Seconds
    net_profit: float


_COLUMNS = QuestionRow._fields
_SAVE = f"""
    INSERT OR REPLACE INTO whale_questions (platform, whale_address, question, part, {", ".join(_COLUMNS)})
    VALUES ('{PLATFORM}', ?, ?, ?, {", ".join("?" * len(_COLUMNS))})
"""  # noqa: S608
_DELETE = f"""
    DELETE FROM whale_questions WHERE platform = '{PLATFORM}' AND whale_address = ? AND question = ? AND part = ?
"""  # noqa: S608

_FIND = """
    SELECT question, coalesce(
            (SELECT title FROM markets WHERE markets.platform = found.platform
                AND external_id = replace(question, 'topic:', '')
                AND (market_type = 'categorical') = (question LIKE 'topic:%')),
            (SELECT market_title FROM positions
                WHERE positions.whale_address = found.whale_address AND positions.question = found.question
                ORDER BY market_title IS NULL, id LIMIT 1)
        ) AS title,
        state, realized + settled AS net_profit, realized, settled, unrealized, exposure, cost, void_cost,
        last_traded_at, closed_at
    FROM whale_questions AS found
    WHERE whale_address = :whale AND state = :state
    ORDER BY iif(:state = 'lost', realized + settled, -realized - settled), question LIMIT :limit
"""
# A question that is open counts with what it has brought so far, in the time of its last trade.
_DATED = """
    SELECT substr(ifnull(closed_at, last_traded_at), 1, :length) AS period, total(realized + settled),
        total(state = 'won'), total(state = 'lost')
    FROM whale_questions WHERE whale_address = :whale
    GROUP BY period HAVING period IS NOT NULL AND (count(closed_at) OR total(realized + settled) <> 0) ORDER BY period
"""


def save_questions(transaction: Transaction, questions: Iterable[tuple[QuestionKey, QuestionRow | None]]) -> None:
    """Store questions anew; None deletes one of which nothing is left."""
    kept, gone = [], []
    for key, row in questions:
        if row is None:
            gone.append((*key, key.part))
        else:
            kept.append((*key, key.part, *row))
    transaction.executemany(_SAVE, kept)
    transaction.executemany(_DELETE, gone)


def find_questions(
    store: Store, address: str, *, state: Literal["open", "won", "lost", "even", "void"], limit: int = 5
) -> list[Question]:
    """At most `limit` questions of a wallet in that state: the worst lost ones, or the best of any other state, first.

    The title is the topic's or the market's; as the trades name it where the market is not known.
    """
    rows = store.query(_FIND, {"whale": address, "state": state, "limit": limit})
    return [Question.from_columns(row) for row in rows]


def profit_by_month(store: Store, address: str) -> list[MonthlyProfit]:
    """A wallet's net profit by the month in which its questions closed, oldest first; months without any are left out.

    What open questions have brought so far belongs to the month of their last trade.
    """
    rows = store.query(_DATED, {"whale": address, "length": len("2026-01")})
    return [MonthlyProfit(month, profit, int(won), int(lost)) for month, profit, won, lost in rows]


def cumulative_profit(store: Store, address: str) -> list[ProfitOfDay]:
    """A wallet's net profit up to each day on which it changed, oldest first, dated like the profit by month."""
    rows = store.query(_DATED, {"whale": address, "length": len("2026-01-01")})
    sums = accumulate(row[1] for row in rows)
    return [ProfitOfDay(from_text(row[0]), total) for row, total in zip(rows, sums, strict=True)]


def find_void_cost(store: Store, address: str) -> float:
    """What the shares cost that a wallet holds in markets that came to nothing."""
    return float(store.value("SELECT total(void_cost) FROM whale_questions WHERE whale_address = ?", (address,)))
