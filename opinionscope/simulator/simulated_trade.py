"""One trade, as the API tells it."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

QUOTE_ADDRESS = "0x55d398326f99059fF775485246999027B3197955"
CHAIN_ID = "56"
ZERO = "0.000000000000000000"
FILLED = 2
TRADE_STATUS_NAMES = {1: "Pending", FILLED: "Finished", 3: "Canceled", 5: "Failed", 6: "OnchainFailed"}


@dataclass(frozen=True)
class SimulatedTrade:
    """A trade. Figures are decimal strings in the quote token, as upstream sends them.

    `created_at` is in unix seconds; `visible_at` is when the API starts to show the trade, which can be
    minutes after `created_at`. There is no id: two trades can be equal in every field. Only those of the status
    `FILLED` have taken place.
    """

    tx_hash: str
    market_id: int
    side: str
    outcome_side: int
    price: str
    shares: str
    amount: str
    fee: str
    profit: str
    created_at: int
    visible_at: float
    market_title: str
    root_market_id: int
    root_market_title: str
    outcome: str
    status: int = FILLED

    @property
    def is_filled(self) -> bool:
        return self.status == FILLED

    @property
    def tokens(self) -> str:
        """The number of shares, also of a split or merge that gives none: a share of each outcome costs 1."""
        without = self.side in ("Split", "Merge") and not self.shares.strip("0.")
        return self.amount if without else self.shares

    @cached_property
    def rendered(self) -> bytes:
        """The trade as one JSON object, rendered once."""
        return json.dumps(
            {
                "amount": self.amount,
                "chainId": CHAIN_ID,
                "createdAt": self.created_at,
                "fee": self.fee,
                "marketId": self.market_id,
                "marketTitle": self.market_title,
                "outcome": self.outcome,
                "outcomeSide": self.outcome_side,
                "outcomeSideEnum": {1: "Yes", 2: "No"}.get(self.outcome_side, ""),
                "price": self.price,
                "profit": self.profit,
                "quoteToken": QUOTE_ADDRESS,
                "quoteTokenUsdPrice": "1.000000000000000000",
                "rootMarketId": self.root_market_id,
                "rootMarketTitle": self.root_market_title,
                "shares": self.shares,
                "side": self.side,
                "status": self.status,
                "statusEnum": TRADE_STATUS_NAMES.get(self.status, ""),
                "txHash": self.tx_hash,
                "usdAmount": _in_wei(self.amount),
            }
        ).encode()


def _in_wei(amount: str) -> str:
    """The amount in units of 10^-18, which is what the live API calls `usdAmount`."""
    try:
        return f"{int(Decimal(amount).scaleb(18))}.{'0' * 18}"
    except (ArithmeticError, ValueError):
        return amount  # an amount made unreadable on purpose travels unchanged
