"""The table of positions, and the marks of those that need an explanation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from opinionscope.cli.gain_column import gain_column
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import day, money, price, shares, short_address
from opinionscope.cli.output.tables import print_table
from opinionscope.store.position_figures import Position

NO_POSITIONS = "No positions yet; `opinionscope sync whales` reads the trades that they follow from."

Mark = Literal["~", "?", "!"]
_MEANINGS: dict[Mark, str] = {
    "~": "the wallet's history is incomplete, so trades may be missing from this position",
    "?": "more shares were sold than bought; what the surplus brought is not counted as profit",
    "!": "the exchange shows a different number of shares",
}
_STATE_STYLES = {"open": "cyan", "won": "green", "lost": "red", "void": "yellow"}


@dataclass
class Printed:
    """What a table shows: how many rows, and which marks in them."""

    rows: int
    marks: set[Mark]

    @property
    def notes(self) -> list[str]:
        """What the marks mean."""
        return [f"{mark}  {meaning}" for mark, meaning in _MEANINGS.items() if mark in self.marks]


def print_positions(
    positions: Iterable[Position],
    *,
    nothing: str = NO_POSITIONS,
    of_one_whale: bool = False,
    of_one_state: bool = False,
) -> Printed:
    """A table of positions, amounts in the quote token."""
    printed = Printed(0, set())
    columns = _columns(of_one_whale=of_one_whale, of_one_state=of_one_state)
    print_table(columns, _watched(positions, printed), nothing=nothing)
    return printed


def _watched(positions: Iterable[Position], printed: Printed) -> Iterator[Position]:
    """The positions, noted down as they pass."""
    for position in positions:
        printed.rows += 1
        printed.marks.update(marks_of(position))
        yield position


def marks_of(position: Position) -> list[Mark]:
    """What has to be said of a position beside its figures."""
    applies: dict[Mark, bool] = {
        "~": position.is_partial,
        "?": position.unexplained_shares > 0,
        "!": position.disagrees_since is not None,
    }
    return [mark for mark, is_so in applies.items() if is_so]


def outcome_name(position: Position) -> str:
    """The label of the outcome. Where none is known it is its number, from which no label follows."""
    return position.outcome or (f"side {position.outcome_side}" if position.outcome_side else "not named")


def _columns(*, of_one_whale: bool, of_one_state: bool) -> list[Column]:
    def whale(position: Position) -> str:
        return position.whale_name or short_address(position.whale_address)

    columns = [
        Column("Whale", whale, flexible="cut", least=12, enough=16),
        Column("Market", lambda row: row.market_title or row.market_external_id, flexible="cut", least=20, enough=40),
        Column("Outcome", outcome_name, flexible="cut", least=11, enough=16),
        Column("State", lambda row: row.state, rank=1, style=lambda row: _STATE_STYLES.get(row.state, "")),
        Column("Shares", lambda row: shares(row.net_shares), right=True, rank=3),
        Column("Cost", lambda row: price(row.cost_per_share), right=True, rank=5),
        Column("Exposure", lambda row: money(row.exposure), right=True, unit="USDT"),
        Column("Mark", lambda row: price(row.mark), right=True, rank=6),
        gain_column("Unrealized", "unrealized", rank=2),
        gain_column("Realized", "realized", rank=4),
        gain_column("Settled", "settled", rank=1),
        Column("Last trade", lambda row: day(row.last_traded_at), rank=8),
        Column("", lambda row: "".join(marks_of(row)) or None, optional=True, nothing="", style=lambda _: "yellow"),
        Column("On the exchange", _on_the_exchange, rank=7, optional=True, nothing="", style=lambda _: "yellow"),
    ]
    hidden = {"Whale"} if of_one_whale else set[str]()
    # Nothing is settled while a position is open.
    hidden |= {"State", "Settled"} if of_one_state else set[str]()
    return [column for column in columns if column.title not in hidden]


def _on_the_exchange(position: Position) -> str | None:
    """The shares that the exchange shows, where they are not ours."""
    if position.disagrees_since is None:
        return None
    return f"{shares(position.api_shares or 0.0)} shares, since {day(position.disagrees_since)}"
