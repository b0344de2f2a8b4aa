"""How often each wallet is polled: in proportion to the square root of its need.

Trades that come at a rate λ wait 1/2f on average if their wallet is polled f times a minute. With weights w, the sum
of wλ/2f over all wallets is least, for a given number of polls, where f is in proportion to √(wλ): Cho and
Garcia-Molina, "Effective page refresh policies for Web crawlers", https://doi.org/10.1145/958942.958945, and Azar et
al., "Tractable near-optimal policies for crawling", https://doi.org/10.1073/pnas.1801519115. With bounds for f, it is
that proportion where it lies within them, and the nearest bound elsewhere.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import sqrt

from opinionscope.polling.limits import Limits

_STEPS = 60


def gaps(needs: Sequence[float], limits: Limits) -> list[float]:
    """The mean time between two polls of each wallet, in seconds, given the need of each: its weight times its rate."""
    if limits.has_room_for(len(needs)):
        return [limits.period] * len(needs)
    least = limits.period / limits.gap_for(len(needs))
    roots = [sqrt(need) for need in needs]
    scale = _scale(sorted(roots), least, limits.polls)
    return [limits.period / min(1.0, max(least, scale * root)) for root in roots]


def _scale(roots: Sequence[float], least: float, polls: float) -> float:
    """The factor by which the roots, in ascending order, become polls a run that add up to `polls`."""
    sums = [0.0, *accumulate(roots)]
    low, high = 0.0, 1.0 / max(roots[0], 1e-12)
    for _ in range(_STEPS):
        scale = (low + high) / 2
        first, last = bisect_left(roots, least / scale), bisect_left(roots, 1.0 / scale)
        used = first * least + scale * (sums[last] - sums[first]) + (len(roots) - last)
        low, high = (scale, high) if used < polls else (low, scale)
    return low
