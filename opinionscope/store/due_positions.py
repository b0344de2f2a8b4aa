"""Positions that have changed since their wallet's figures were worked out, and what these depend on."""

from collections.abc import Iterable
from typing import NamedTuple

from opinionscope.store.database import Transaction
from opinionscope.store.whale_questions import QuestionKey


class DuePosition(NamedTuple):
    """A position whose figures are due.

    `question` is the one it last belonged to, None if none yet. `topic` is that of its market, "" for none; None if
    the market is not known.
    """

    id: int
    whale_address: str
    market_external_id: str
    root_market_external_id: str | None
    question: str | None
    topic: str | None


class PositionOfQuestion(NamedTuple):
    """A position with its market: `status` is None where that is not known. Times are ISO text.

    The sums are named as in `track_record.positions`. `api_value` is what the exchange values `api_shares` at.
    """

    outcome_side: int
    buy_shares: float
    buy_amount: float
    sell_shares: float
    sell_amount: float
    split_shares: float
    merge_shares: float
    last_traded_at: str | None
    api_shares: float | None
    api_value: float | None
    status: str | None
    result_token_id: str | None
    yes_token_id: str | None
    no_token_id: str | None
    resolved_at: str | None
    cutoff_at: str | None


_COLUMNS = PositionOfQuestion._fields
_MARKET = """
    LEFT JOIN markets AS market ON market.platform = position.platform
        AND market.external_id = position.market_external_id AND (market.market_type = 'categorical') = 0
"""
_DUE = f"""
    SELECT position.id, whale_address, market_external_id, root_market_external_id, question,
        iif(market.market_type = 'child', market.parent_external_id, iif(market.market_type IS NULL, NULL, ''))
    FROM positions AS position {_MARKET}
    WHERE figures_due = 1 ORDER BY whale_address LIMIT ?
"""  # noqa: S608
_OF_QUESTION = f"""
    SELECT {", ".join(_COLUMNS)}
    FROM positions AS position {_MARKET}
    WHERE whale_address = ? AND question = ?
"""  # noqa: S608


def find_due_positions(transaction: Transaction, limit: int) -> list[DuePosition]:
    """At most `limit` positions whose figures are due, wallet by wallet."""
    return [DuePosition(*row) for row in transaction.execute(_DUE, (limit,))]


def find_positions_of(transaction: Transaction, key: QuestionKey) -> list[PositionOfQuestion]:
    """All that a wallet holds, or held, in a question."""
    return [PositionOfQuestion(*row) for row in transaction.execute(_OF_QUESTION, key)]


def assign_questions(transaction: Transaction, questions: Iterable[tuple[str, int]]) -> None:
    """Note the question that each position, given by its id, belongs to."""
    transaction.executemany("UPDATE positions SET question = ? WHERE id = ?", questions)


def forget_empty(transaction: Transaction, ids: Iterable[int]) -> None:
    """Delete those of these positions of which nothing is left: all trades withdrawn, and unknown to the exchange."""
    transaction.executemany(
        "DELETE FROM positions WHERE id = ? AND trade_count <= 0 AND ifnull(api_shares, 0) = 0",
        ((number,) for number in ids),
    )


def clear_due(transaction: Transaction, ids: Iterable[int]) -> None:
    """Note that the figures of these positions have been worked out."""
    transaction.executemany("UPDATE positions SET figures_due = 0 WHERE id = ?", ((number,) for number in ids))
