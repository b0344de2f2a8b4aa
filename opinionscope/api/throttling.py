"""Whom a 429 concerns: the one wallet or page that it was the answer to, or everyone who shares the key."""

import threading
import time

from opinionscope.api.pacer import Pacer
from opinionscope.errors import Throttled

SECONDS_BETWEEN = 15.0


class Throttling:
    """Tells the pacer of a 429, so that everyone waits, once it is not about a single wallet or page.

    When a limit is exceeded, the next request meets a 429 as well, whatever it is for. So a 429 is everyone's if
    another wallet or page has just met one too, or if the same one meets it again and nothing else was answered in
    between. Otherwise it is left to the request that met it, which waits as long as it is asked to. This is about one
    key, `key` by its position: what the others meet says nothing of its limit.
    """

    def __init__(self, pacer: Pacer, key: int = 0) -> None:
        self._pacer = pacer
        self._key = key
        self._lock = threading.Lock()
        self._met_at: dict[str, float] = {}
        self._others_answered: set[str] = set()

    def take_in(self, refusal: Throttled, subject: str, sent_at: float) -> None:
        """Note a 429 to a request for `subject`, which left at `sent_at` (monotonic seconds)."""
        if self._is_everyones(subject):
            self._pacer.slow_down(sent_at, refusal.retry_after, self._key)
        else:
            refusal.is_paced = False
            self._pacer.count_refusal(self._key)

    def note_answer(self, subject: str) -> None:
        """Note that a request for `subject` was answered: a 429 to others is not about everyone."""
        if self._met_at:
            with self._lock:
                self._others_answered.update(met for met in self._met_at if met != subject)

    def _is_everyones(self, subject: str) -> bool:
        now = time.monotonic()
        with self._lock:
            self._met_at = {met: at for met, at in self._met_at.items() if now - at < SECONDS_BETWEEN}
            is_repeated = subject in self._met_at and subject not in self._others_answered
            self._met_at[subject] = now
            self._others_answered &= self._met_at.keys()
            self._others_answered.discard(subject)
            return is_repeated or len(self._met_at) > 1
