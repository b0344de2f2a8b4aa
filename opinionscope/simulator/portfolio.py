"""What the exchange says of a wallet beyond its trades: its positions, and its place on the leaderboard."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from opinionscope.simulator.ledger import Holding, HoldingKey
from opinionscope.simulator.simulated_market import FAILED, RESOLVED, STATUS_NAMES, SimulatedMarket
from opinionscope.simulator.simulated_trade import QUOTE_ADDRESS, SimulatedTrade

DAY = 86_400
CLAIM_DAYS = 3
"""Winnings are claimed this many days after the market resolved; a claimed position leaves the list."""
_CLAIM_STATUSES = ("CanNotClaim", "WaitClaim")


def is_claimed(key: HoldingKey, market: SimulatedMarket, now: float) -> bool:
    """Whether the winnings of a holding have been claimed."""
    won = market.winning_side == key[1]
    return won and market.closed_at is not None and now >= market.closed_at + CLAIM_DAYS * DAY


def mark(key: HoldingKey, market: SimulatedMarket, latest_price: Decimal) -> Decimal:
    """What a share is worth: its last price while the market is open, afterwards what it pays."""
    if market.status == RESOLVED:
        return Decimal(int(market.winning_side == key[1]))
    return Decimal("0.5") if market.status == FAILED else latest_price


def position(key: HoldingKey, holding: Holding, market: SimulatedMarket, price: Decimal) -> dict[str, Any]:
    """A position as `GET /positions/user/{address}` lists it; numbers are strings."""
    value = holding.shares * price
    gain = value - holding.cost
    can_claim = market.winning_side == key[1]
    yes = key[1] == 1
    return {
        "marketId": market.id,
        "marketTitle": market.title,
        "marketStatus": market.status,
        "marketStatusEnum": STATUS_NAMES[market.status],
        "marketCutoffAt": market.fields["cutoffAt"],
        "rootMarketId": market.root.id,
        "rootMarketTitle": market.root.title,
        "outcome": market.fields["yesLabel" if yes else "noLabel"],
        "outcomeSide": key[1],
        "outcomeSideEnum": "Yes" if yes else "No",
        "sharesOwned": f"{holding.shares:f}",
        "sharesFrozen": "0",
        "avgEntryPrice": f"{holding.cost_of(Decimal(1)):.18f}",
        "unrealizedPnl": f"{gain:.18f}",
        "unrealizedPnlPercent": f"{100 * gain / holding.cost if holding.cost else 0:.2f}",
        "dailyPnlChange": "0",
        "dailyPnlChangePercent": "0",
        "currentValueInQuoteToken": f"{value:.18f}",
        "quoteToken": QUOTE_ADDRESS,
        "conditionId": market.fields["conditionId"],
        "tokenId": market.fields["yesTokenId" if yes else "noTokenId"],
        "claimStatus": int(can_claim),
        "claimStatusEnum": _CLAIM_STATUSES[can_claim],
    }


def ranking(values: Mapping[str, Decimal], data_type: str) -> list[dict[str, Any]]:
    """The leaderboard's entries for wallets with these values, largest first."""
    return [
        {
            "walletAddress": address,
            "userName": f"trader-{address[2:8]}",
            "avatar": "",
            "rankingValue": f"{value:.6f}",
            "rankingChange": 0,
            "rankingType": data_type,
            "xUsername": "",
        }
        for address, value in sorted(values.items(), key=lambda entry: (entry[1], entry[0]), reverse=True)
    ]


def ranking_value(trades: Iterable[SimulatedTrade], data_type: str, since: float) -> Decimal:
    """What a wallet is ranked by: its volume or its profit since a moment (unix seconds). Points are a tenth of it."""
    counted = [trade for trade in trades if trade.is_filled and trade.created_at >= since]
    if data_type == "profit":
        return sum((Decimal(trade.profit) for trade in counted), Decimal(0))
    volume = sum((Decimal(trade.amount) for trade in counted if trade.side in ("Buy", "Sell")), Decimal(0))
    return volume if data_type == "volume" else volume / 10
