"""Whom a 429 concerns: the one request that it answers, or everyone who shares the key."""

import threading
import time

from opinionscope.api.pacer import Pacer
from opinionscope.errors import Throttled

LONGEST_SHARED_PAUSE = 5.0
_SECONDS_REMEMBERED = 60.0


class Throttling:
    """Passes 429s on to the pacer, which makes everyone wait.

    A long wait that is asked for in the answer to one request alone is that request's: everyone else goes on after a
    short pause. The same word on another request soon after is meant for all.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def take_in(self, refusal: Throttled, request: str, sent_at: float) -> None:
        """Note a 429 to `request`, which left at `sent_at` (monotonic seconds)."""
        if (refusal.retry_after or 0.0) <= LONGEST_SHARED_PAUSE or self._is_met_elsewhere(request):
            self._pacer.slow_down(sent_at, refusal.retry_after)
        else:
            refusal.is_paced = False
            self._pacer.slow_down(sent_at, None)

    def _is_met_elsewhere(self, request: str) -> bool:
        now = time.monotonic()
        with self._lock:
            self._seen = {seen: at for seen, at in self._seen.items() if now - at < _SECONDS_REMEMBERED}
            self._seen[request] = now
            return len(self._seen) > 1
