"""How late trades are seen if each wallet is polled at regular intervals."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

_STEPS = 50


def expected_mean(rates: Sequence[float], gaps: Sequence[float]) -> float:
    """The mean delay in seconds over all trades, given each wallet's rate and the seconds between its polls."""
    total = sum(rates)
    return sum(rate * gap for rate, gap in zip(rates, gaps, strict=True)) / total / 2 if total else 0.0


def expected_delay(rates: Sequence[float], gaps: Sequence[float], share: float) -> float:
    """The delay in seconds that this share of the trades keeps to: a wallet's are spread evenly over its gap."""
    wallets = sorted(zip(gaps, rates, strict=True))
    edges = [gap for gap, _ in wallets]
    within = [0.0, *accumulate(rate for _, rate in wallets)]
    densities = [0.0, *accumulate(rate / gap for gap, rate in wallets)]
    low, high = 0.0, edges[-1] if edges else 0.0
    for _ in range(_STEPS):
        delay = (low + high) / 2
        shorter = bisect_right(edges, delay)
        seen = within[shorter] + delay * (densities[-1] - densities[shorter])
        low, high = (delay, high) if seen < share * within[-1] else (low, delay)
    return high
