"""A strict sliding window: the number of accepted requests in any one second is limited."""

from collections import deque
from collections.abc import Sequence


class RateWindow:
    """Remembers the accepted requests of the last second. Not thread-safe by itself."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._accepted: deque[float] = deque()

    def accept(self, now: float, limit: int | None) -> bool:
        """Whether a request at `now` (monotonic seconds) fits under `limit`; None means no limit.

        Two that arrive at almost the same time may be judged in either order.
        """
        while self._accepted and now - self._accepted[0] >= self._seconds:
            self._accepted.popleft()
        if limit is not None and len(self._accepted) >= limit:
            return False
        self._accepted.append(now)
        return True


def worst_window(arrivals: Sequence[float], seconds: float = 1.0) -> int:
    """The largest number of arrivals (in ascending order) in any window of `seconds`."""
    worst = first = 0
    for index, arrival in enumerate(arrivals):
        while arrival - arrivals[first] >= seconds:
            first += 1
        worst = max(worst, index - first + 1)
    return worst
