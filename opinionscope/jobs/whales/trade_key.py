"""What makes a trade the same trade when the list shows it again.

The exchange gives trades no id, several fills share a second, and fills of one transaction can agree in every field.
So a trade is known by what the chain fixed when it was filled, and equal trades by how many of them there are:

* The key of a trade is its second and a fingerprint of transaction, market, side, outcome, price, shares and amount.
  Numbers count by value: "0.5" and "0.500" are one. Titles and labels can be edited, and fee and profit can be worked
  out anew by the exchange, so they are no part of it: a trade must not come back as a new one because of them.
* Trades of one key are copies: the wallet has as many of them as the list shows at one time. If n are known and m are
  seen together, m - n are new. Reading the same page again therefore changes nothing, whenever it is done.
* What is seen together must be seen without doubt. One page is; which pages are, while new trades push the list down
  between two requests, is the business of `pages`. In doubt it counts fewer: what is missed is found later, since
  the exchange's total tells of it; what was counted twice could not be taken back.
"""

from collections import Counter
from decimal import Decimal
from hashlib import blake2b

from opinionscope.api.models import Trade
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.rows import as_real


def trade_key(trade: Trade) -> TradeKey:
    """The key of a trade. Fingerprints are 64 bits: they only tell apart one wallet's trades of one second."""
    content = (
        f"{trade.tx_hash.lower()}|{trade.market_id}|{trade.side}|{trade.outcome_side}|"
        f"{_text(trade.price)}|{_text(trade.shares)}|{_text(trade.amount)}"
    )
    if not trade.is_filled:
        content += f"|{trade.status}"
    digest = blake2b(content.encode(), digest_size=8).digest()
    return trade.created_at, int.from_bytes(digest, "big", signed=True)


def _text(number: Decimal | None) -> str:
    """A number by its value; one that is missing counts as 0."""
    return f"{(number or Decimal(0)).normalize():f}"


def pick_new(trades: list[Trade], known: int, details: Counter[tuple[float | None, float | None]]) -> list[Trade]:
    """Which of some equal `trades`, seen together, are new, given that `known` of them are stored already.

    `details` are the fees and profits of those that are stored: a trade that matches one of them is taken for it.
    """
    matching, others = list[Trade](), list[Trade]()
    left = details.copy()
    for trade in trades:
        detail = (as_real(trade.fee), as_real(trade.profit))
        (matching if left[detail] > 0 else others).append(trade)
        left[detail] -= 1
    return (others + matching)[: max(0, len(trades) - known)]
