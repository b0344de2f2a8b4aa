"""The table of signals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import elapsed, moment, money, price, short_address
from opinionscope.cli.output.tables import print_table
from opinionscope.store.signals import StoredSignal
from opinionscope.text import one_line

_LONGEST_OUTCOME = 40
STATE_STYLES = {"pending": "cyan", "sent": "green", "suppressed": "dim", "failed": "red"}


def print_signals(
    signals: Iterable[StoredSignal],
    names: Mapping[str, str],
    now: datetime,
    *,
    nothing: str,
    is_replay: bool = False,
) -> int:
    """A table of signals, amounts in the quote token, times in UTC; how many there are.

    `names` has the wallets' names by address.
    """

    def whale(signal: StoredSignal) -> str | None:
        address = signal.whale_address
        return None if address is None else names.get(address) or short_address(address)

    columns = [
        Column("Id", lambda signal: str(signal.id), right=True, rank=6),
        Column("Time (UTC)", lambda signal: moment(signal.detected_at), rank=2 if is_replay else 7),
        Column("Ago", lambda signal: elapsed(signal.detected_at, now), right=True, rank=2),
        Column("Rule", lambda signal: signal.rule, flexible="cut", least=8, enough=16),
        Column("State", lambda signal: signal.state, style=lambda signal: STATE_STYLES[signal.state]),
        Column("Whale", whale, flexible="cut", least=11, enough=16),
        Column("What", what, flexible="wrap", least=18, enough=28),
        Column("Amount", lambda signal: money(signal.amount), right=True, unit="USDT"),
        Column("Price", lambda signal: price(signal.price), right=True, rank=3),
        Column("Market", market, flexible="cut", least=16, enough=40, rank=1),
        Column("Reason", lambda signal: signal.reason, flexible="wrap", least=24, rank=5, optional=True),
    ]
    left_out = {"Id", "Ago", "State"} if is_replay else set[str]()
    return print_table([column for column in columns if column.title not in left_out], signals, nothing=nothing)


def what(signal: StoredSignal) -> str:
    """`BUY NO, NEW`; for what is not about one order, its kind."""
    if signal.kind != "order":
        return f"consensus on {_outcome(signal.told)}" if signal.kind == "consensus" else signal.kind
    deal = " ".join(filter(None, [signal.action, _outcome(signal.told["order"])]))
    return f"{deal}, {signal.change}" if signal.change else deal


def _outcome(document: Mapping[str, Any]) -> str:
    """The exchange's name of an outcome. A long one would take many lines."""
    return one_line(document["outcome"] or "", _LONGEST_OUTCOME)


def market(signal: StoredSignal) -> str | None:
    """The title of the market, or how many signals it tells of."""
    told = signal.told
    if signal.kind == "summary":
        return f"{told['count']:,} more signals"
    if signal.kind == "digest":
        return f"{told['orders']:,} orders"
    title: str | None = told["market"]["title"]
    return title or signal.market_external_id
