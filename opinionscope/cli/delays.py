"""Delays and gaps in words."""

from opinionscope.cli.output.formats import counted
from opinionscope.health.delay import Delay
from opinionscope.health.polling import Polling


def span(duration: float) -> str:
    """`48 s`, `12 min`, `12 min 5 s`, `3 h 2 min`."""
    minutes, rest = divmod(round(duration), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes_left} min"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def every(duration: float) -> str:
    """`every minute`, `every 4 min 10 s`."""
    return "every minute" if round(duration) == 60 else f"every {span(duration)}"


def measured(delay: Delay) -> str:
    """How late the trades of the last 24 hours were seen."""
    if delay.median_seconds is None or delay.p95_seconds is None:
        return "no trades seen in the last 24 h"
    return (
        f"median {span(delay.median_seconds)}, 95 % within {span(delay.p95_seconds)} "
        f"({counted(delay.trades, 'trade')} seen in the last 24 h)"
    )


def expected(polling: Polling | None) -> str | None:
    """How late trades should be seen, as the wallets are polled; None without wallets."""
    if polling is None or polling.expected_median_seconds is None or polling.expected_p95_seconds is None:
        return None
    return f"expected: median {span(polling.expected_median_seconds)}, 95 % within {span(polling.expected_p95_seconds)}"


def plan(polling: Polling) -> str:
    """How often the wallets are polled, and how many fit if they are too many."""
    if not polling.gaps:
        return "no wallets"
    if polling.polls_all_each_run:
        return f"each wallet {every(polling.run_seconds)}"
    shortest, longest = min(polling.gaps.values()), max(polling.gaps.values())
    found = (
        f"{counted(len(polling.gaps), 'wallet')} share {counted(polling.polls_per_run, 'poll')} "
        f"{every(polling.run_seconds)}: active ones {every(shortest)}, quiet ones {every(longest)}"
    )
    if polling.holds_longest_gap:
        return found
    return (
        f"{found}. At this rate limit, only {counted(polling.wallets_that_fit, 'wallet')} fit into a longest gap of "
        f"{span(polling.longest_gap_seconds)}"
    )
