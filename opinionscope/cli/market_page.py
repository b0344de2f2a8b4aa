"""All that is known of one market or topic: its facts, its options, and the whales in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import fill
from typing import Any

from opinionscope.cli.market_argument import market_name
from opinionscope.cli.market_table import status_style, title_below
from opinionscope.cli.output.columns import LONGEST_WRAPPED, Column
from opinionscope.cli.output.formats import moment, money
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.tables import Fact, print_facts, print_heading, print_table
from opinionscope.cli.output.terminal import console, write
from opinionscope.cli.position_table import print_positions
from opinionscope.errors import UsageError
from opinionscope.store.database import Store
from opinionscope.store.markets import MarketKey, StoredMarket, find_markets, find_stored_market
from opinionscope.store.position_figures import Position, count_positions, find_positions
from opinionscope.text import one_line

_POSITIONS = 20
_OPTIONS = 1_000
_RULES = 100
"""Lines of rules that are shown."""
_LONGEST_LINE = 100
"""Characters, on a terminal that is wider."""


@dataclass(frozen=True)
class MarketPage:
    """What is shown of a market. `options` are the markets of a topic, `positions` the largest that are open."""

    market: StoredMarket
    topic: StoredMarket | None
    options: Sequence[StoredMarket]
    positions: Sequence[Position]
    open_positions: int

    def as_document(self) -> dict[str, Any]:
        """The market's own fields, and beside them the lists."""
        return self.market.as_document() | {
            "options": [option.as_document() for option in self.options],
            "positions": [position.as_document() for position in self.positions],
            "open_positions": self.open_positions,
        }


def read_page(store: Store, key: MarketKey) -> MarketPage:
    """The page of a market. Raises UsageError if it is not stored."""
    market = find_stored_market(store, key)
    if market is None:
        raise UsageError(_advice(store, key))
    above = market.parent_external_id
    return MarketPage(
        market,
        topic=find_stored_market(store, MarketKey(above, True)) if above else None,
        options=list(find_markets(store, topic=key.external_id, limit=_OPTIONS)) if key.is_topic else [],
        positions=list(find_positions(store, market=key, limit=_POSITIONS)),
        open_positions=count_positions(store, market=key),
    )


def print_page(page: MarketPage) -> None:
    """Print the page. Amounts are in the quote token, times in UTC."""
    print_facts(_facts(page))
    if page.options:
        print_heading("Options")
        _print_options(page)
    print_heading("Whales in it")
    printed = print_positions(_by_option(page), nothing="No tracked wallet has an open position.", of_one_state=True)
    print_notes([*printed.notes, *_more(page)])
    if page.market.rules:
        print_heading("Rules")
        write(_rules(page.market.rules))


def _by_option(page: MarketPage) -> list[Position]:
    """The positions with the name of the option in the place of the whole title."""
    above = f"{(page.topic or page.market).title}: "
    return [
        replace(position, market_title=(position.market_title or "").removeprefix(above) or None)
        for position in page.positions
    ]


def _more(page: MarketPage) -> list[str]:
    if page.open_positions <= len(page.positions):
        return []
    name = market_name(page.market.key)
    return [
        f"{len(page.positions):,} of {page.open_positions:,} positions; see `opinionscope positions --market {name}`."
    ]


def _rules(text: str) -> str:
    """The rules, line by line as they came, wrapped to the width of a terminal."""
    screen = console()
    width = min(screen.width, _LONGEST_LINE) if screen.is_terminal else screen.width
    lines = [one_line(line, LONGEST_WRAPPED) for line in text.splitlines()[:_RULES]]
    return "".join(f"{fill(line, width)}\n" for line in lines)


def _facts(page: MarketPage) -> list[Fact]:
    market = page.market
    facts: list[Fact] = [
        ("Market", market_name(market.key)),
        ("Title", market.title),
        ("Topic", f"{market_name(page.topic.key)}  {page.topic.title}" if page.topic else None),
        ("Type", market.market_type),
        ("Status", market.status, status_style(market)),
        ("Outcomes", None if market.key.is_topic else f"{market.yes_label or 'YES'} / {market.no_label or 'NO'}"),
        ("Result", result_of(market)),
        ("Volume", _usdt(market.volume)),
        ("  24 hours", _usdt(market.volume_24h)),
        ("  7 days", _usdt(market.volume_7d)),
        ("Labels", ", ".join(market.labels) or None),
        ("Created", _dated(market.created_at)),
        ("Closes", _dated(market.cutoff_at)),
        ("Resolved", _dated(market.resolved_at)),
        ("Page", market.url),
    ]
    always = ("Volume", "Closes")
    return [fact for fact in facts if fact[1] is not None or fact[0] in always]


def result_of(market: StoredMarket) -> str | None:
    """The label of the outcome that has won; None while that is not known."""
    if not market.result_token_id:
        return None
    labels = {market.yes_token_id: market.yes_label or "YES", market.no_token_id: market.no_label or "NO"}
    return labels.get(market.result_token_id)


def _print_options(page: MarketPage) -> None:
    columns = [
        Column("ID", lambda option: market_name(option.key), right=True),
        Column("Option", lambda option: title_below(page.market, option), flexible="cut", least=16),
        Column("Status", lambda option: option.status, style=status_style),
        Column("Result", result_of, optional=True, flexible="cut", least=8),
        Column("Volume", lambda option: money(option.volume), right=True, unit="USDT"),
        Column("24 h", lambda option: money(option.volume_24h), right=True, rank=1, unit="USDT"),
        Column("7 d", lambda option: money(option.volume_7d), right=True, rank=2, unit="USDT"),
    ]
    print_table(columns, page.options, nothing="No options are stored.")


def _advice(store: Store, key: MarketKey) -> str:
    other = MarketKey(key.external_id, not key.is_topic)
    kind = "topic" if key.is_topic else "market"
    if find_stored_market(store, other):
        return f"No {kind} {key.external_id} is stored; did you mean {market_name(other)}?"
    return f"No {kind} {key.external_id} is stored; `opinionscope markets --search TEXT` finds markets by their titles."


def _usdt(amount: float | None) -> str | None:
    return None if amount is None else f"{money(amount)} USDT"


def _dated(time: datetime | None) -> str | None:
    return None if time is None else f"{moment(time)} UTC"
