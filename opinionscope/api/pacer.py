"""The shared rate limit: one budget of requests for all processes that use the same database.

A small file beside the database holds when the last requests left, under a kernel lock that is held while a request
is written to its socket and at no other time. What counts is therefore the moment of sending, after the connection
stands: neither a slow handshake nor a busy processor can push two windows' worth of requests together.

Two rules make a turn. Requests are spread evenly, one each `1/rate` seconds, by a schedule that does not drift. And
in any `WINDOW` seconds no more leave than the limit allows in one, which leaves room for the network to shake them
together a little. When the exchange asks for less (HTTP 429), the file says so to everyone at once: no request
before `blocked_until`, and a lower rate. What was learnt outlives the run:

* A 429 in a second that was busy says what is allowed: what was accepted in it. From there the rate probes for more,
  step by step.
* A 429 in a second that was not busy says nothing about the rate: the exchange refuses everything for a while. The
  rate is halved again and again, and once no refusal follows it is soon back at nine tenths of the last one that held.
  After CUBIC, https://www.rfc-editor.org/rfc/rfc9438.

A 429 that concerns one wallet alone does not come here, see `throttling`.
"""

import fcntl
import json
import os
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from opinionscope.errors import OutOfTime, Paused
from opinionscope.locks import boot_id, lock, open_companion

WINDOW = 1.02
CLIMB_FACTOR = 1.15
SHORTEST_CLIMB_WAIT = 15.0
LONGEST_CLIMB_WAIT = 80.0
LOWEST_RATE = 0.2
DEFAULT_BLOCK = 1.0
LONGEST_BLOCK = 3600.0
RECOVERY_STEP = 4.0
_RECOVERED = 0.9
_BUSY = 0.5
_KEPT_MINUTES = 15
_HEADER_SIZE = 4096


@dataclass
class Pace:
    """What the file holds. Moments are seconds of the system's monotonic clock since `boot`, minutes are unix minutes.

    `learnt` is the present rate, lower than the limit because the exchange refused; None while the limit itself holds.
    `held` is the last rate that held, `before` the one in force when the refusals began. `sent` is when the last
    requests left, the latest last.
    """

    learnt: float | None = None
    held: float | None = None
    before: float | None = None
    sent: "array[float]" = field(default_factory=lambda: array("d"))
    next_slot: float = 0.0
    blocked_until: float = 0.0
    slowed_at: float = 0.0
    climbed_at: float = 0.0
    climb_wait: float = SHORTEST_CLIMB_WAIT
    minutes: dict[str, list[int]] = field(default_factory=dict)
    boot: str = field(default_factory=boot_id)


class Pacer:
    """Grants turns to send. Safe between threads and between processes.

    `limit` is in requests a second. `requests` and `throttled` count what this object sent and was refused.
    """

    def __init__(self, path: Path, limit: float) -> None:
        self.limit = limit
        self.requests = 0
        self.throttled = 0
        self._path = path
        self._descriptor = open_companion(path)
        self._queue = threading.Lock()
        self._state = threading.Lock()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    @contextmanager
    def turn(self, deadline: float = float("inf")) -> Iterator[float]:
        """Wait for the next free slot and hold it while the request is written; yields the moment of sending.

        Raises OutOfTime if no slot comes before `deadline` (monotonic seconds), and Paused if that is because the
        exchange has asked for a longer pause.
        """
        with self._head_of_the_queue(deadline):
            while True:
                with self._exclusive() as pace:
                    now = time.monotonic()
                    slot = self._next_slot(pace)
                    if pace.blocked_until > deadline:
                        raise Paused(f"the exchange asks for a pause of {pace.blocked_until - now:.0f} more seconds")
                    if now > deadline:
                        raise OutOfTime("the time of this run was over")
                    if slot > deadline:
                        raise OutOfTime("the exchange allows no further request within the time of this run")
                    if slot <= now:
                        try:
                            yield now
                        finally:
                            self._note_sent(pace, slot)
                        return
                # Asleep without the lock, so that a 429 that another thread or process meets is heard at once.
                time.sleep(slot - now)

    def count_refusal(self) -> None:
        """Count a 429 that concerns nobody but the request it was the answer to."""
        with self._exclusive() as pace:
            self.throttled += 1
            _count_minute(pace, throttled=1)
            self._write(pace)

    def slow_down(self, sent_at: float, retry_after: float | None) -> None:
        """Take in a 429 to a request that left at `sent_at`: everyone waits `retry_after` seconds and goes slower.

        The 429s to requests that were on their way before the last slow-down say nothing new about the rate.
        """
        wait = DEFAULT_BLOCK if retry_after is None else min(max(retry_after, 0.1), LONGEST_BLOCK)
        with self._exclusive() as pace:
            now = time.monotonic()
            self.throttled += 1
            _count_minute(pace, throttled=1)
            pace.blocked_until = max(pace.blocked_until, now + wait)
            if sent_at >= pace.slowed_at:
                self._lower(pace, sent_at, now)
            self._write(pace)

    def minutes(self) -> dict[datetime, tuple[int, int]]:
        """Requests and 429s of the last minutes (UTC), of all processes together, killed ones included."""
        with self._exclusive() as pace:
            return {
                datetime.fromtimestamp(int(minute) * 60, UTC): (requests, throttled)
                for minute, (requests, throttled) in pace.minutes.items()
            }

    def current_rate(self) -> float:
        """The requests a second that are allowed at this moment: the limit, or less after a 429."""
        with self._exclusive() as pace:
            return self._rate(pace)

    def _rate(self, pace: Pace) -> float:
        return self.limit if pace.learnt is None else min(pace.learnt, self.limit)

    def _lower(self, pace: Pace, sent_at: float, now: float) -> None:
        rate = self._rate(pace)
        accepted = sum(1 for moment in pace.sent if sent_at - 1.0 < moment < sent_at)
        if accepted >= max(1.0, _BUSY * rate):
            if now - pace.climbed_at <= pace.climb_wait:
                pace.climb_wait = min(LONGEST_CLIMB_WAIT, pace.climb_wait * 2)
            pace.before = rate if pace.before is None else pace.before
            pace.learnt = pace.held = max(LOWEST_RATE, min(rate * 0.8, 0.95 * accepted))
        else:
            # The refusal before this one was no word on the rate either, if there was one just now.
            pace.held = max(pace.held or 0.0, pace.before or rate)
            pace.learnt = max(LOWEST_RATE, rate / 2)
        pace.slowed_at = pace.climbed_at = now

    def _climb(self, pace: Pace, now: float) -> None:
        """Go faster where no refusal has come for long enough."""
        if pace.learnt is None:
            return
        recovered = _RECOVERED * min(pace.held or 0.0, self.limit)
        if pace.learnt < recovered:
            if now - pace.climbed_at >= RECOVERY_STEP:
                pace.learnt, pace.climbed_at = min(recovered, pace.learnt * 2), now
        elif now - pace.climbed_at >= pace.climb_wait:
            climbed = pace.learnt * CLIMB_FACTOR
            pace.learnt = climbed if climbed < self.limit else None
            pace.before = None
            pace.climb_wait = max(SHORTEST_CLIMB_WAIT, pace.climb_wait / 2)
            pace.climbed_at = now

    def _next_slot(self, pace: Pace) -> float:
        """The first moment at which both rules and the exchange allow a request."""
        rate = self._rate(pace)
        allowed = max(1, int(rate))
        window_opens = pace.sent[-allowed] + WINDOW * allowed / rate if len(pace.sent) >= allowed else 0.0
        return max(pace.next_slot, window_opens, pace.blocked_until)

    def _note_sent(self, pace: Pace, slot: float) -> None:
        now = time.monotonic()
        interval = WINDOW / self._rate(pace)
        self.requests += 1
        _count_minute(pace, requests=1)
        pace.sent.append(now)
        del pace.sent[: -max(1, int(self.limit))]
        pace.next_slot = max(slot, now - interval / 2) + interval
        self._climb(pace, now)
        self._write(pace)

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

    @contextmanager
    def _exclusive(self) -> Iterator[Pace]:
        """The file's state, with nobody else reading or writing it."""
        with self._state:
            lock(self._descriptor, self._path)
            try:
                yield self._read()
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _read(self) -> Pace:
        """What the file says; a fresh state where it is empty, torn by a crash, or from before the last boot."""
        content = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        try:
            state = json.loads(content[:_HEADER_SIZE])
            moments = content[_HEADER_SIZE:][: state["sent"] * array("d").itemsize]
            pace = Pace(**{"boot": ""} | state | {"sent": array("d", moments)})
            this_minute = int(time.time() // 60)
            # One that is later than now was counted while the clock was ahead.
            pace.minutes = {minute: counts for minute, counts in pace.minutes.items() if int(minute) <= this_minute}
            if pace.boot == boot_id() and max([*pace.sent[-1:], pace.slowed_at, pace.climbed_at]) <= time.monotonic():
                if pace.sent:
                    # A slot from under a lower limit must not outlive that limit.
                    pace.next_slot = min(pace.next_slot, pace.sent[-1] + WINDOW / self._rate(pace))
                return pace
            return Pace(learnt=pace.learnt, held=pace.held, minutes=pace.minutes)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Pace()

    def _write(self, pace: Pace) -> None:
        # One write, whose first part is padded, so that nothing of the last one is left where this one is shorter.
        header = json.dumps(vars(pace) | {"sent": len(pace.sent)}).encode().ljust(_HEADER_SIZE)
        os.pwrite(self._descriptor, header + pace.sent.tobytes(), 0)


def _count_minute(pace: Pace, requests: int = 0, throttled: int = 0) -> None:
    minute = str(int(time.time() // 60))
    counts = pace.minutes.setdefault(minute, [0, 0])
    counts[0] += requests
    counts[1] += throttled
    for old in sorted(pace.minutes, key=int)[:-_KEPT_MINUTES]:
        del pace.minutes[old]
