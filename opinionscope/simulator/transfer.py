"""Shares that change wallets without a trade."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Transfer:
    """Shares that reach a wallet or, below zero, leave it. No list of trades shows it; the positions do.

    `created_at` is in unix seconds.
    """

    market_id: int
    outcome_side: int
    shares: Decimal
    created_at: int
