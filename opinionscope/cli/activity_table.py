"""The tables of trades and of orders: amounts in the quote token, times in UTC."""

from collections.abc import Callable, Mapping
from datetime import datetime

from opinionscope.cli.output.columns import NOTHING, Column
from opinionscope.cli.output.formats import day, elapsed, gain, moment, money, price, shares, short_address
from opinionscope.cli.output.styles import gain_style
from opinionscope.signals.stored_orders import WhaleOrder
from opinionscope.store.whale_activity import StoredTrade
from opinionscope.times import utc_now

_ACTION_STYLES = {"BUY": "green", "SELL": "red"}

Listed = StoredTrade | WhaleOrder


def trade_columns(names: Mapping[str, str], now: datetime) -> list[Column]:
    """A table of single fills. `names` has the wallets' names by address."""
    return _columns(names, now, _time_of_trade, Column("Price", lambda trade: price(trade.price), right=True, rank=1))


def order_columns(names: Mapping[str, str], now: datetime) -> list[Column]:
    """A table of orders, each at the time of its last fill; `×3 0.320` is the average price of three fills."""
    return _columns(names, now, _time_of_order, Column("Price", _average_price, right=True, rank=1, unit="avg"))


def feed_columns(names: Mapping[str, str], *, of_orders: bool) -> list[Column]:
    """The same tables for rows that are printed as they come: ages would be wrong as soon as they are printed."""
    now = utc_now()
    columns = order_columns(names, now) if of_orders else trade_columns(names, now)
    time_of: Callable[..., datetime] = _time_of_order if of_orders else _time_of_trade
    time = Column("Time", lambda row: _time_or_day(time_of(row), utc_now()), rank=1, unit="UTC")
    return [time, *(column for column in columns if column.title not in ("Ago", "Time (UTC)"))]


def _time_or_day(time: datetime, now: datetime) -> str | None:
    return f"{time:%H:%M:%S}" if time.date() == now.date() else day(time)


def _average_price(order: WhaleOrder) -> str | None:
    average = price(order.price)
    return average if order.fills == 1 else f"×{order.fills:,} {average or NOTHING}"


def _time_of_trade(trade: StoredTrade) -> datetime:
    return trade.timestamp


def _time_of_order(order: WhaleOrder) -> datetime:
    return order.last_fill_at


def _columns(
    names: Mapping[str, str], now: datetime, time_of: Callable[..., datetime], price_column: Column
) -> list[Column]:
    def name_or_address(row: Listed) -> str:
        return names.get(row.whale_address) or short_address(row.whale_address)

    def address_of_named(row: Listed) -> str | None:
        return short_address(row.whale_address) if row.whale_address in names else None

    return [
        Column("Time (UTC)", lambda row: moment(time_of(row)), rank=5),
        Column("Ago", lambda row: elapsed(time_of(row), now), right=True, rank=1),
        Column("Whale", name_or_address, flexible="cut", least=11, enough=16),
        Column("Address", address_of_named, rank=7, optional=True),
        Column("Action", lambda row: row.action, style=lambda row: _ACTION_STYLES.get(row.action, "")),
        Column("Outcome", lambda row: row.outcome, flexible="cut", least=11, enough=16),
        Column("Market", lambda row: row.market_title, flexible="cut", least=16, enough=40),
        Column("Shares", lambda row: shares(row.shares), right=True, rank=3),
        price_column,
        Column("Amount", lambda row: money(row.amount), right=True, unit="USDT"),
        Column(
            "Profit",
            lambda row: gain(row.profit),
            right=True,
            rank=3,
            style=lambda row: gain_style(row.profit),
            unit="USDT",
        ),
    ]
