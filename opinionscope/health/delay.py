"""How late trades are seen: how long after each one the run that stored it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from opinionscope.records import Record


@dataclass(frozen=True)
class Delay(Record):
    """The seconds between a trade and the end of the run that stored it: half of the `trades` took at most the median,
    and 95 % at most `p95_seconds`. Both are None without any."""

    median_seconds: int | None
    p95_seconds: int | None
    trades: int


def judge_delay(seconds: Sequence[int]) -> Delay:
    """The delay of these trades, by nearest rank: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method.

    A trade that seems to have been seen before it happened, because the clocks differ, counts as seen at once.
    """
    if not seconds:
        return Delay(None, None, 0)
    ordered = sorted(max(0, each) for each in seconds)
    median, p95 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.95))
    return Delay(median, p95, len(ordered))
