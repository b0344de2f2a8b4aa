"""The `consensus_told` table: how strong each consensus was when a rule told of it."""

from collections.abc import Iterable
from typing import NamedTuple

from opinionscope.store.database import Transaction


class ToldConsensus(NamedTuple):
    """A consensus as a rule has told it, or as it was when the rule was made. Exposure is in the quote token."""

    rule_id: int
    market_external_id: str
    outcome_side: int
    whales: int
    exposure: float


_COLUMNS = ToldConsensus._fields


def find_told(transaction: Transaction, rule_id: int, market: str, side: int) -> ToldConsensus | None:
    """How a rule has told of the consensus on an outcome; None if it never has."""
    row = transaction.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM consensus_told "  # noqa: S608
        "WHERE rule_id = ? AND market_external_id = ? AND outcome_side = ?",
        (rule_id, market, side),
    ).fetchone()
    return None if row is None else ToldConsensus(*row)


def save_told(transaction: Transaction, told: Iterable[ToldConsensus]) -> None:
    """Remember how each was told."""
    transaction.executemany("INSERT OR REPLACE INTO consensus_told VALUES (?, ?, ?, ?, ?)", list(told))
