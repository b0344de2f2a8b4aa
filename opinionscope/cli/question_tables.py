"""The tables of a wallet's questions and of its profit by month."""

from collections.abc import Sequence
from math import ceil

from opinionscope.cli.gain_column import gain_column
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import count, day, money
from opinionscope.cli.output.styles import gain_style
from opinionscope.cli.output.tables import print_heading, print_table
from opinionscope.cli.output.terminal import can_show
from opinionscope.store.whale_questions import MonthlyProfit, Question

_BAR = 20


def print_questions(heading: str, questions: Sequence[Question]) -> None:
    """The questions below their heading; nothing without any. Amounts are in the quote token."""
    if not questions:
        return
    print_heading(heading)
    columns = [
        Column("Question", lambda row: row.title or row.question, flexible="cut", least=20),
        Column("Closed (UTC)", lambda row: day(row.closed_at), rank=1),
        Column("Cost", lambda row: money(row.cost), right=True, rank=2, unit="USDT"),
        gain_column("Net profit", "net_profit"),
    ]
    print_table(columns, questions, nothing="")


def print_months(months: Sequence[MonthlyProfit]) -> None:
    """The net profit of each month in the quote token, with a bar as long as its share of the largest."""
    top = max(abs(month.net_profit) for month in months)
    block = "█" if can_show("█") else "#"

    def bar(month: MonthlyProfit) -> str:
        return block * ceil(_BAR * abs(month.net_profit) / top) if top else ""

    columns = [
        Column("Month", lambda month: month.month),
        Column("Won", lambda month: count(month.won), right=True),
        Column("Lost", lambda month: count(month.lost), right=True),
        gain_column("Net profit", "net_profit"),
        Column("", bar, rank=1, style=lambda month: gain_style(month.net_profit)),
    ]
    print_table(columns, months, nothing="")
