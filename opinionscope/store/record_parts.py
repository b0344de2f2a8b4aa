"""The `record_parts` table: the figures of a wallet's questions, summed in parts.

A question that changes costs the summation of its part, not of all questions. Each sum is taken anew, because adding
and taking away differences piles up rounding errors.
"""

from collections.abc import Iterable
from typing import NamedTuple

from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM


class SummedQuestions(NamedTuple):
    """Sums over a wallet's questions, under the names of the columns. `decided_*` cover the won and lost ones."""

    won: int
    lost: int
    decided_profit: float
    decided_cost: float
    net_profit: float
    unrealized: float
    exposure: float
    edge: float
    variance: float
    open_positions: int
    marked_positions: int
    without_outcome: int
    unknown_markets: int


_COLUMNS = SummedQuestions._fields
_COUNTS = {name for name, kind in SummedQuestions.__annotations__.items() if kind is int}
_SUM = f"""
    INSERT INTO record_parts (whale_address, platform, part, {", ".join(_COLUMNS)})
    SELECT whale_address, platform, part, sum(state = 'won'), sum(state = 'lost'),
        total(iif(state IN ('won', 'lost'), realized + settled, 0)), total(iif(state IN ('won', 'lost'), cost, 0)),
        total(realized + settled), total(unrealized), total(exposure), total(edge), total(variance),
        sum(open_positions), sum(marked_positions), sum(without_outcome), sum(unknown_markets)
    FROM whale_questions WHERE platform = '{PLATFORM}' AND whale_address = ? AND part = ?
    GROUP BY whale_address, platform, part
"""  # noqa: S608


def sum_parts(transaction: Transaction, parts: Iterable[tuple[str, int]]) -> None:
    """Sum these parts, each given by its wallet's address and its number, anew."""
    keys = list(parts)
    transaction.executemany(
        f"DELETE FROM record_parts WHERE platform = '{PLATFORM}' AND whale_address = ? AND part = ?",  # noqa: S608
        keys,
    )
    transaction.executemany(_SUM, keys)


def sums_by_whale(store: Store) -> dict[str, SummedQuestions]:
    """The sums over all questions of each wallet that has any, by its address."""
    columns = ", ".join(f"{'sum' if name in _COUNTS else 'total'}({name})" for name in _COLUMNS)
    rows = store.query(f"SELECT whale_address, {columns} FROM record_parts GROUP BY whale_address")  # noqa: S608
    return {row[0]: SummedQuestions(*row[1:]) for row in rows}
