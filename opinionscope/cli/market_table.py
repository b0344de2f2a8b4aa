"""The table of markets, the children of a topic below it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opinionscope.cli.market_argument import market_name
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import day, money
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import can_show
from opinionscope.store.markets import StoredMarket

_BRANCH, _PLAIN_BRANCH = "└ ", "- "
NO_MARKETS = "No markets yet; run `opinionscope sync markets`."


@dataclass
class Printed:
    """How many rows a table has."""

    rows: int = 0


@dataclass(frozen=True)
class _Line:
    """A market, and the title that it has in the place where it stands."""

    market: StoredMarket
    title: str


def print_markets(found: Iterable[StoredMarket], *, nothing: str = NO_MARKETS) -> Printed:
    """A table of markets, volumes in the quote token, times in UTC."""
    columns = [
        Column("ID", lambda line: market_name(line.market.key), right=True),
        Column("Market", lambda line: line.title, flexible="cut", least=28, enough=40),
        Column("Type", lambda line: line.market.market_type, rank=6),
        Column("Status", lambda line: line.market.status, rank=5, style=lambda line: status_style(line.market)),
        Column("Volume", lambda line: money(line.market.volume), right=True, unit="USDT"),
        Column("24 h", lambda line: money(line.market.volume_24h), right=True, rank=1, unit="USDT"),
        Column("7 d", lambda line: money(line.market.volume_7d), right=True, rank=3, unit="USDT"),
        Column("Closes", lambda line: day(line.market.cutoff_at), rank=4, unit="UTC"),
    ]
    printed = Printed()
    print_table(columns, _lines(found, printed), nothing=nothing)
    return printed


def status_style(market: StoredMarket) -> str:
    """The colour of a market's status."""
    return {"activated": "green", "resolving": "yellow", "failed": "red"}.get(market.status, "dim")


def title_below(topic: StoredMarket | None, market: StoredMarket) -> str:
    """The title of a market without that of its topic, below which it stands."""
    return market.title.removeprefix(f"{topic.title}: ") if topic else market.title


def _lines(found: Iterable[StoredMarket], printed: Printed) -> Iterator[_Line]:
    topic: StoredMarket | None = None
    branch = _BRANCH if can_show(_BRANCH) else _PLAIN_BRANCH
    for market in found:
        printed.rows += 1
        if market.market_type != "child":
            topic = market if market.key.is_topic else None
        is_below = topic is not None and market.parent_external_id == topic.external_id
        yield _Line(market, f"{branch}{title_below(topic, market)}" if is_below else market.title)
