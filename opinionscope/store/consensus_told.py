"""The `consensus_told` table: how strong each consensus that stands was when a rule told of it."""

import json
from collections.abc import Collection, Iterable
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
    """How a rule has told of the consensus on an outcome; None if it has not."""
    row = transaction.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM consensus_told "  # noqa: S608
        "WHERE rule_id = ? AND market_external_id = ? AND outcome_side = ?",
        (rule_id, market, side),
    ).fetchone()
    return None if row is None else ToldConsensus(*row)


def save_told(transaction: Transaction, told: Iterable[ToldConsensus]) -> None:
    """Remember how each was told."""
    transaction.executemany("INSERT OR REPLACE INTO consensus_told VALUES (?, ?, ?, ?, ?)", list(told))


def replace_told(transaction: Transaction, rule_id: int, told: Iterable[ToldConsensus]) -> None:
    """Remember these as all that the rule has told."""
    transaction.execute("DELETE FROM consensus_told WHERE rule_id = ?", (rule_id,))
    save_told(transaction, told)


def forget_told(
    transaction: Transaction, rule_id: int, markets: Collection[str], kept: Collection[tuple[str, int]]
) -> None:
    """Forget what a rule has told of the markets, but for the outcomes `kept` (market and side)."""
    rows = transaction.execute(
        "SELECT market_external_id, outcome_side FROM consensus_told "
        "WHERE rule_id = ? AND market_external_id IN (SELECT value FROM json_each(?))",
        (rule_id, json.dumps(sorted(markets))),
    )
    dissolved = [(rule_id, market, side) for market, side in rows.fetchall() if (market, side) not in kept]
    transaction.executemany(
        "DELETE FROM consensus_told WHERE rule_id = ? AND market_external_id = ? AND outcome_side = ?", dissolved
    )
