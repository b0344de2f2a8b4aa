"""The column of a profit or a loss: signed, in the colour of its sign, in USDT."""

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import gain
from opinionscope.cli.output.styles import gain_style


def gain_column(title: str, name: str, rank: int = 0) -> Column:
    """The column that shows the attribute `name` of each row, an amount in the quote token."""
    return Column(
        title,
        lambda row: gain(getattr(row, name)),
        right=True,
        rank=rank,
        style=lambda row: gain_style(getattr(row, name)),
        unit="USDT",
    )
