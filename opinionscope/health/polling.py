"""How often the wallets are polled, and how late their trades are to be expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opinionscope.polling.expected_delay import expected_delay
from opinionscope.polling.frequency import gaps
from opinionscope.polling.limits import Limits
from opinionscope.polling.need import need_of
from opinionscope.polling.trade_rate import TradeRate
from opinionscope.records import INTERNAL, Record
from opinionscope.store.database import Store
from opinionscope.store.polls import find_polling_states


@dataclass(frozen=True)
class Polling(Record):
    """The plan that follows from each wallet's rate of trading. Durations are in seconds.

    A run begins every `run_seconds` and can make `polls_per_run` polls. No wallet should wait longer than
    `longest_gap_seconds`, which can be held for `wallets_that_fit`; with those that are tracked it is
    `held_gap_seconds`. Half of the trades should be seen within the expected median, 95 % within the expected p95; both
    are None without wallets. `gaps` is the time between two polls of each wallet, by address.
    """

    polls_per_run: int
    run_seconds: int
    longest_gap_seconds: int
    wallets_that_fit: int
    held_gap_seconds: int
    expected_median_seconds: int | None
    expected_p95_seconds: int | None
    gaps: Mapping[str, float] = field(metadata=INTERNAL)

    @property
    def polls_all_each_run(self) -> bool:
        """Whether there is room for every wallet in every run."""
        return len(self.gaps) <= self.polls_per_run

    @property
    def holds_longest_gap(self) -> bool:
        """Whether the longest gap can be held."""
        return len(self.gaps) <= self.wallets_that_fit


def read_polling(store: Store, now: datetime, limits: Limits) -> Polling:
    """The plan at `now`."""
    states, seconds = find_polling_states(store, now), now.timestamp()
    rates = [TradeRate(*state.rate) for state in states]
    planned = gaps(
        [
            need_of(rate, seconds, state.exposure, named_by_rule=state.is_named_by_a_rule)
            for rate, state in zip(rates, states, strict=True)
        ],
        limits,
    )
    expected = [rate.trades_a_minute(seconds) for rate in rates]
    return Polling(
        polls_per_run=limits.polls,
        run_seconds=round(limits.period),
        longest_gap_seconds=round(limits.longest_gap),
        wallets_that_fit=limits.wallets_that_fit,
        held_gap_seconds=round(limits.gap_for(len(states))),
        expected_median_seconds=round(expected_delay(expected, planned, 0.5)) if states else None,
        expected_p95_seconds=round(expected_delay(expected, planned, 0.95)) if states else None,
        gaps=dict(zip((state.address for state in states), planned, strict=True)),
    )
