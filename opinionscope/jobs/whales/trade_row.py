"""A trade of the exchange as a row of the database."""

from opinionscope.api.models import Trade
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.rows import as_real
from opinionscope.store.whale_activity import NewTrade
from opinionscope.times import from_unix


def trade_row(trade: Trade, key: TradeKey, copy: int) -> NewTrade:
    """The row of a trade: the `copy`-th of its key."""
    return NewTrade(
        market_external_id=trade.market_id,
        root_market_external_id=trade.root_market_id,
        market_title=trade.full_title,
        tx_hash=trade.tx_hash,
        action=trade.side,
        outcome=trade.outcome,
        outcome_side=trade.outcome_side,
        price=as_real(trade.price),
        shares=float(trade.tokens),
        amount=float(trade.amount),
        fee=as_real(trade.fee),
        profit=as_real(trade.profit),
        quote_token=trade.quote_token,
        chain_id=trade.chain_id,
        timestamp=from_unix(trade.created_at),
        fingerprint=key[1],
        copy=copy,
    )
