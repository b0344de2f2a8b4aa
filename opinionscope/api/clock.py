"""The exchange's clock, as the Date headers of its answers tell it."""

from datetime import datetime

_ANSWERS_COMPARED = 15


class ExchangeClock:
    """Compares this machine's clock with the exchange's. Threads may share it."""

    def __init__(self) -> None:
        self._skews: tuple[float, ...] = ()

    def note(self, dated: datetime, now: datetime) -> None:
        """Take in the date of an answer that came at `now`."""
        self._skews = (*self._skews[1 - _ANSWERS_COMPARED :], (now - dated).total_seconds())

    @property
    def skew(self) -> float | None:
        """By how many seconds this machine's clock is ahead; None before an answer with a date.

        The middle one of the last answers counts: a single wrong date must not move the clock for all other wallets.
        """
        return sorted(self._skews)[(len(self._skews) - 1) // 2] if self._skews else None

    def latest(self, dated: datetime, now: datetime) -> float:
        """The latest time, in unix seconds, that it can be by these clocks and by the date of the answer at hand."""
        return max(now.timestamp(), min(dated.timestamp(), now.timestamp() - (self.skew or 0.0)))
