"""The last 24 hours as a chart of bars, one column an hour and one line for each way in which a run can end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.cli.glyphs import can_show
from opinionscope.cli.logs import STATUS_STYLES
from opinionscope.cli.tables import Column, count, print_table

_BLOCKS = "·▁▂▃▄▅▆▇█"
_ASCII = ".,:;-=+*#"
_WIDTH_OF_AN_HOUR = 2
_ALWAYS_SHOWN = ("completed", "failed")
_SHOWN = ("completed", "partial", "failed", "skipped")


@dataclass(frozen=True)
class Line:
    """One line of the chart: a status, its bars, and how many runs they stand for."""

    status: str
    bars: str
    total: int


def print_chart(hours: dict[tuple[datetime, str], int], now: datetime) -> None:
    """Print the chart. `hours` counts runs by the hour in which they began and by status."""
    from opinionscope.monitor.report import CHART_HOURS, first_hour

    columns = [first_hour(now) + timedelta(hours=number) for number in range(CHART_HOURS)]
    lines = draw(hours, columns, _BLOCKS if can_show(_BLOCKS) else _ASCII)
    print_table(
        [
            Column("Last 24 h, UTC", lambda line: line.status, style=lambda line: STATUS_STYLES[line.status]),
            Column(axis(columns), lambda line: line.bars, style=lambda line: STATUS_STYLES[line.status]),
            Column("Runs", lambda line: count(line.total), right=True),
        ],
        lines,
        nothing="",
    )


def draw(hours: dict[tuple[datetime, str], int], columns: list[datetime], levels: str) -> list[Line]:
    """The lines of the chart, on one scale. An hour with any run at all shows more than one with none."""
    top = max((hours.get((hour, status), 0) for hour in columns for status in _SHOWN), default=0)
    lines = list[Line]()
    for status in _SHOWN:
        counts = [hours.get((hour, status), 0) for hour in columns]
        if any(counts) or status in _ALWAYS_SHOWN:
            bars = "".join(_bar(number, top, levels) * _WIDTH_OF_AN_HOUR for number in counts)
            lines.append(Line(status, bars, sum(counts)))
    return lines


def axis(columns: list[datetime]) -> str:
    """The hours of the day (UTC) that divide by six, each above its column."""
    text = [" "] * (len(columns) * _WIDTH_OF_AN_HOUR)
    for number, hour in enumerate(columns):
        if hour.hour % 6 == 0:
            text[number * _WIDTH_OF_AN_HOUR : number * _WIDTH_OF_AN_HOUR + 2] = f"{hour:%H}"
    return "".join(text)


def _bar(number: int, top: int, levels: str) -> str:
    return levels[-(-number * (len(levels) - 1) // top)] if number else levels[0]
