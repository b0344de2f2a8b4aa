"""The last 24 hours as a bar chart: a column per hour, and a line for each way in which a run can end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.formats import count
from opinionscope.cli.output.styles import STATUS_STYLES
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import can_show, console

_HOURS = 24
_BLOCKS = "·▁▂▃▄▅▆▇█"
_ASCII = ".,:;-=+*#"
_WIDTH_OF_AN_HOUR = 2
"""Characters; one on a terminal that is narrower than `_WIDE_ENOUGH`."""
_WIDE_ENOUGH = 75
_ALWAYS_SHOWN = ("completed", "failed")
_SHOWN = ("completed", "partial", "failed", "skipped", "interrupted")

Hours = Mapping[tuple[datetime, str], int]
"""Numbers of runs, by the hour (UTC) in which they began and by status."""


@dataclass(frozen=True)
class Bars:
    """One line of the chart: a status, its bars, and how many runs they stand for."""

    status: str
    bars: str
    total: int


def print_chart(hours: Hours, first_hour: datetime) -> None:
    """Print the chart of the 24 hours from `first_hour` on."""
    columns = [first_hour + timedelta(hours=number) for number in range(_HOURS)]
    width = _WIDTH_OF_AN_HOUR if console().width >= _WIDE_ENOUGH else 1
    lines = draw(hours, columns, _BLOCKS if can_show(_BLOCKS) else _ASCII, width)
    print_table(
        [
            Column("Last 24 h, UTC", lambda line: line.status, style=lambda line: STATUS_STYLES[line.status]),
            Column(axis(columns, width), lambda line: line.bars, style=lambda line: STATUS_STYLES[line.status]),
            Column("Runs", lambda line: count(line.total), right=True),
        ],
        lines,
        nothing="",
    )


def draw(hours: Hours, columns: Sequence[datetime], levels: str, width: int) -> list[Bars]:
    """The lines of the chart, on one scale. An hour with any run shows more than an hour without."""
    top = max((hours.get((hour, status), 0) for hour in columns for status in _SHOWN), default=0)
    lines = list[Bars]()
    for status in _SHOWN:
        counts = [hours.get((hour, status), 0) for hour in columns]
        if any(counts) or status in _ALWAYS_SHOWN:
            bars = "".join(_bar(number, top, levels) * width for number in counts)
            lines.append(Bars(status, bars, sum(counts)))
    return lines


def axis(columns: Sequence[datetime], width: int) -> str:
    """The hours of the day (UTC) that are divisible by six, each above its column if there is room."""
    text = [" "] * (len(columns) * width)
    for number, hour in enumerate(columns):
        if hour.hour % 6 == 0 and number * width + 2 <= len(text):
            text[number * width : number * width + 2] = f"{hour:%H}"
    return "".join(text)


def _bar(number: int, top: int, levels: str) -> str:
    return levels[-(-number * (len(levels) - 1) // top)] if number else levels[0]
