"""How fast one key may send: what is known of it, and the rules, without a clock or a file.

Two rules make a turn. Requests are spread evenly, one each `1/rate` seconds, by a schedule that does not drift. And
in any `WINDOW` seconds no more leave than the limit allows in one, which leaves room for the network to shake them
together a little. When the exchange asks for less (HTTP 429), no request leaves before `blocked_until`, and the rate
is lower. What was learnt outlives the run:

* A 429 in a second that was busy says what is allowed: what was accepted in it. From there the rate probes for more,
  step by step.
* A 429 in a second that was not busy says nothing about the rate: the exchange refuses everything for a while. The
  rate is halved again and again, and once no refusal follows it is soon back at nine tenths of the last one that held.
  After CUBIC, https://www.rfc-editor.org/rfc/rfc9438.
"""

from array import array
from dataclasses import dataclass, field

WINDOW = 1.02
CATCH_UP = 0.25
"""Seconds by which requests may be late, as on a busy processor, without any being given away."""
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


@dataclass
class Pace:
    """What is known of a key. Moments are seconds of the monotonic clock since `boot`, minutes are unix minutes.

    `key` is the digest of the key. `learnt` is the present rate in requests a second, lower than the limit because the
    exchange refused; None while the limit itself holds. `held` is the last rate that held, `before` the one in force
    when the refusals began. `sent` is when the last requests left, the latest last. `minutes` counts requests and 429s.
    """

    key: str = ""
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
    boot: str = ""

    def rate(self, limit: float) -> float:
        """The requests a second that are allowed: the limit, or less after a 429."""
        return limit if self.learnt is None else min(self.learnt, limit)

    def slot(self, limit: float) -> float:
        """The first moment at which both rules and the exchange allow a request."""
        rate = self.rate(limit)
        allowed = max(1, int(rate))
        window_opens = self.sent[-allowed] + WINDOW * allowed / rate if len(self.sent) >= allowed else 0.0
        # A slot from under a lower limit must not outlive that limit.
        next_slot = min(self.next_slot, self.sent[-1] + WINDOW / rate) if self.sent else self.next_slot
        return max(next_slot, window_opens, self.blocked_until)

    def note_sent(self, limit: float, slot: float, now: float, minute: int) -> None:
        """Take in a request that left `now`, in the turn of `slot`."""
        interval = WINDOW / self.rate(limit)
        self.count(minute, requests=1)
        self.sent.append(now)
        del self.sent[: -max(1, int(limit))]
        self.next_slot = max(slot, now - max(interval / 2, CATCH_UP)) + interval
        self._climb(limit, now)

    def block(self, retry_after: float | None, now: float) -> None:
        """Wait for as many seconds as a 429 asks for, or for one."""
        wait = DEFAULT_BLOCK if retry_after is None else min(max(retry_after, 0.1), LONGEST_BLOCK)
        self.blocked_until = max(self.blocked_until, now + wait)

    def lower(self, limit: float, sent_at: float, now: float) -> None:
        """Go slower after a 429 to a request that left at `sent_at`.

        The 429s to requests that were on their way before the last slow-down say nothing new about the rate.
        """
        if sent_at < self.slowed_at:
            return
        rate = self.rate(limit)
        accepted = sum(1 for moment in self.sent if sent_at - 1.0 < moment < sent_at)
        if accepted >= max(1.0, _BUSY * rate):
            if now - self.climbed_at <= self.climb_wait:
                self.climb_wait = min(LONGEST_CLIMB_WAIT, self.climb_wait * 2)
            self.before = rate if self.before is None else self.before
            self.learnt = self.held = max(LOWEST_RATE, min(rate * 0.8, 0.95 * accepted))
        else:
            # The refusal before this one was no word on the rate either, if there was one just now.
            self.held = max(self.held or 0.0, self.before or rate)
            self.learnt = max(LOWEST_RATE, rate / 2)
        self.slowed_at = self.climbed_at = now

    def _climb(self, limit: float, now: float) -> None:
        """Go faster where no refusal has come for long enough."""
        if self.learnt is None:
            return
        recovered = _RECOVERED * min(self.held or 0.0, limit)
        if self.learnt < recovered:
            if now - self.climbed_at >= RECOVERY_STEP:
                self.learnt, self.climbed_at = min(recovered, self.learnt * 2), now
        elif now - self.climbed_at >= self.climb_wait:
            climbed = self.learnt * CLIMB_FACTOR
            self.learnt = climbed if climbed < limit else None
            self.before = None
            self.climb_wait = max(SHORTEST_CLIMB_WAIT, self.climb_wait / 2)
            self.climbed_at = now

    def count(self, minute: int, requests: int = 0, throttled: int = 0) -> None:
        """Count in a minute; only the last ones are kept."""
        counts = self.minutes.get(str(minute))
        if counts is None:
            counts = self.minutes[str(minute)] = [0, 0]
            # One that is later than now was counted while the clock was ahead.
            known = sorted(int(known) for known in self.minutes if int(known) <= minute)
            self.minutes = {str(kept): self.minutes[str(kept)] for kept in known[-_KEPT_MINUTES:]}
        counts[0] += requests
        counts[1] += throttled
