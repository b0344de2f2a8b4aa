"""What bounds the polls: how many a run can make, how often runs begin, and how long no wallet should wait."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from opinionscope.settings import Settings

FLOOR_SHARE = 0.75
"""At most this share of the polls goes to wallets because they have waited long; the others go by need alone."""
_MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """`polls` is how many a run can make, `period` the seconds from run to run, `longest_gap` in seconds as well."""

    polls: int
    period: float
    longest_gap: float

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """The limits that the settings mean. Cron starts a run each minute, unless the last one takes longer."""
        period = _MINUTE * ceil(settings.run_budget / _MINUTE)
        return cls(
            polls=max(1, int(settings.rate_limit_of_all_keys * settings.run_budget)),
            period=period,
            longest_gap=max(period, settings.longest_gap.total_seconds()),
        )

    @property
    def wallets_that_fit(self) -> int:
        """How many wallets can each be polled once in the longest gap, while some polls still go by need."""
        return max(self.polls, int(FLOOR_SHARE * self.polls * self.longest_gap / self.period))

    def has_room_for(self, wallets: int) -> bool:
        """Whether every run can poll all of them."""
        return wallets <= self.polls

    def gap_for(self, wallets: int) -> float:
        """The longest gap in seconds for that many wallets: the setting, or more if they do not fit."""
        return self.longest_gap * max(1.0, wallets / self.wallets_that_fit)
