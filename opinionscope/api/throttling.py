"""Whom a 429 concerns: the one wallet or page that it was the answer for, or everyone who shares the key."""

import threading
import time

from opinionscope.api.pacer import Pacer
from opinionscope.errors import Throttled

SECONDS_BETWEEN = 15.0


class Throttling:
    """Tells the pacer of 429s, so that everyone waits, once they come for more than one wallet or page.

    Where a limit is met, the answer to the next request says the same at once. One that stands alone is left to the
    request that met it, which waits for as long as it is asked to: nobody else need stop for it.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._lock = threading.Lock()
        self._met_at: dict[str, float] = {}

    def take_in(self, refusal: Throttled, subject: str, sent_at: float) -> None:
        """Note a 429 to a request for `subject`, which left at `sent_at` (monotonic seconds)."""
        if self._is_met_elsewhere(subject):
            self._pacer.slow_down(sent_at, refusal.retry_after)
        else:
            refusal.is_paced = False
            self._pacer.count_refusal()

    def _is_met_elsewhere(self, subject: str) -> bool:
        now = time.monotonic()
        with self._lock:
            self._met_at = {met: at for met, at in self._met_at.items() if now - at < SECONDS_BETWEEN}
            self._met_at[subject] = now
            return len(self._met_at) > 1
