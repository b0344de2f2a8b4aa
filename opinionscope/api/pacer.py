"""The shared rate limit: each key's budget of requests, for all processes that use the same database.

A small file beside the database holds when the last requests left, under a kernel lock that is held while a request
is written to its socket and at no other time. What counts is therefore the moment of sending, after the connection
stands: neither a slow handshake nor a busy processor can push two windows' worth of requests together. A request goes
to the key that is free first.

`pace` has the rules. A 429 that concerns one wallet alone does not come here, see `throttling`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from opinionscope.api.pace import Pace
from opinionscope.api.pace_file import PaceFile
from opinionscope.errors import OutOfTime, Paused


class Turn(NamedTuple):
    """A request that may leave: the moment, in monotonic seconds, and the position of the key that it goes with."""

    sent_at: float
    key: int


class Pacer:
    """Grants turns to send. Safe between threads and between processes.

    `limit` is in requests a second and key, `keys` are the digests of the keys. `requests` and `throttled` count what
    this object sent and was refused.
    """

    def __init__(self, path: Path, limit: float, keys: Sequence[str] = ("",)) -> None:
        self.limit = limit
        self.requests = 0
        self.throttled = 0
        self._file = PaceFile(path, keys)
        self._all_keys = range(len(keys))
        self._queue = threading.Lock()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @contextmanager
    def turn(self, deadline: float = float("inf"), among: Callable[[], Sequence[int]] | None = None) -> Iterator[Turn]:
        """Wait for the next free slot and hold it while the request is written.

        The slot is that of the key that is free first, of those whose positions `among` gives at that moment: a key may
        be refused while somebody waits. Raises OutOfTime if no slot comes before `deadline` (monotonic seconds), and
        Paused if that is because the exchange has asked for a longer pause.
        """
        with self._head_of_the_queue(deadline):
            while True:
                with self._file.paces() as paces:
                    now = time.monotonic()
                    keys = among() if among else self._all_keys
                    slot, key = min((paces[key].slot(self.limit), key) for key in keys)
                    _check_time(slot, paces[key], now, deadline)
                    if slot <= now:
                        try:
                            yield Turn(now, key)
                        finally:
                            self._note_sent(paces, slot, key)
                        return
                # Asleep without the lock, so that a 429 that another thread or process meets is heard at once.
                time.sleep(slot - now)

    def count_refusal(self, key: int = 0) -> None:
        """Count a 429 that concerns nobody but the request it was the answer to."""
        with self._file.paces() as paces:
            self.throttled += 1
            paces[key].count(_minute(), throttled=1)
            self._file.write(key)

    def slow_down(self, sent_at: float, retry_after: float | None, key: int = 0) -> None:
        """Take in a 429 to a request that left at `sent_at`: the key waits `retry_after` seconds and goes slower."""
        with self._file.paces() as paces:
            now = time.monotonic()
            self.throttled += 1
            paces[key].count(_minute(), throttled=1)
            paces[key].block(retry_after, now)
            paces[key].lower(self.limit, sent_at, now)
            self._file.write(key)

    def minutes(self) -> dict[datetime, tuple[int, int]]:
        """Requests and 429s of the last minutes (UTC), of all processes and keys together, killed ones included."""
        requests, throttled = Counter[int](), Counter[int]()
        with self._file.all_paces() as paces:
            for pace in paces:
                for minute, counts in pace.minutes.items():
                    requests[int(minute)] += counts[0]
                    throttled[int(minute)] += counts[1]
        # One that is later than now was counted while the clock was ahead.
        return {
            datetime.fromtimestamp(minute * 60, UTC): (requests[minute], throttled[minute])
            for minute in sorted(requests)
            if minute <= _minute()
        }

    def current_rate(self) -> float:
        """The requests a second that are allowed at this moment: the limit of all keys, or less after a 429."""
        with self._file.paces() as paces:
            return sum(pace.rate(self.limit) for pace in paces)

    def _note_sent(self, paces: Sequence[Pace], slot: float, key: int) -> None:
        self.requests += 1
        paces[key].note_sent(self.limit, slot, time.monotonic(), _minute())
        self._file.write(key)

    @contextmanager
    def _head_of_the_queue(self, deadline: float) -> Iterator[None]:
        """One thread of this process waits for a slot at a time; the others wait for it."""
        remaining = min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
        if not self._queue.acquire(timeout=remaining):
            raise OutOfTime("no turn to send came within the time of this run")
        try:
            yield
        finally:
            self._queue.release()


def _check_time(slot: float, pace: Pace, now: float, deadline: float) -> None:
    """Raise Paused or OutOfTime if the first free slot, which is of this pace, comes after the deadline."""
    if pace.blocked_until > deadline:
        raise Paused(f"the exchange asks for a pause of {pace.blocked_until - now:.0f} more seconds")
    if now > deadline:
        raise OutOfTime("the time of this run was over")
    if slot > deadline:
        raise OutOfTime("the exchange allows no further request within the time of this run")


def _minute() -> int:
    return int(time.time() // 60)
