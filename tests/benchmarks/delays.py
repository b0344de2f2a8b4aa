"""How late trades are seen with more wallets than a run can poll: by need, in turns, and at best. A simulation.

Minutes pass, trades happen at random, and the product's own rules choose whom to poll from what earlier polls have
seen. The activity is heavy-tailed: the wallet of rank r trades r^-s times as often as the first (Zipf), which trades
once a minute. With s = 1.1 and 5,000 wallets, 30 of them trade every 42 minutes or more often, and half at most twice a
week.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

from opinionscope.polling.expected_delay import expected_delay, expected_mean
from opinionscope.polling.frequency import gaps
from opinionscope.polling.limits import Limits
from opinionscope.polling.order import Candidate, in_order
from opinionscope.polling.trade_rate import TradeRate

LIMITS = Limits(polls=750, period=60.0, longest_gap=1_800.0)
"""One key: 15 requests a second, for 50 seconds of each minute."""
_PAST_MINUTES = 3 * 7 * 1_440

Choose = Callable[[list[Candidate], Limits], list[Candidate]]


def zipf(wallets: int, exponent: float) -> list[float]:
    """The trades a minute of each wallet, in no order: equal waits must not favour the active ones."""
    rates = [(rank + 1) ** -exponent for rank in range(wallets)]
    random.Random(wallets).shuffle(rates)
    return rates


def take_turns(candidates: list[Candidate], limits: Limits) -> list[Candidate]:
    """Round robin: whoever has waited longest is next."""
    return sorted(candidates, key=lambda one: -one.waited)[: limits.polls]


@dataclass
class Simulation:
    """Minutes of one exchange and one key. Times are unix seconds; the first run is at 0.

    When a wallet is polled depends only on trades that have been seen. What happens between two of its polls is
    therefore as likely as ever, and the expected delays there are counted instead of the few that chance brings.
    """

    rates: Sequence[float]
    limits: Limits = LIMITS
    choose: Choose = in_order
    knows_rates: bool = False
    seed: int = 1
    polls: defaultdict[float, float] = field(default_factory=lambda: defaultdict(float))
    """By the seconds a wallet had waited: the sum of the rates of the wallets that were polled then."""

    def run(self, minutes: int, warm_up: int) -> "Simulation":
        """Let the minutes pass. Only the polls after the warm-up count."""
        chance = random.Random(self.seed)
        wallets = range(len(self.rates))
        estimates = self._past(chance)
        polled = [-60.0 * chance.randrange(ceil(len(self.rates) / self.limits.polls)) - 60.0 for _ in wallets]
        unseen: list[list[float]] = [[] for _ in wallets]
        for minute in range(warm_up + minutes):
            now = 60.0 * minute
            for wallet, second in self._trades(chance, now - 60.0, 1):
                unseen[wallet].append(second)
            needs = self.rates if self.knows_rates else [rate.trades_a_minute(now) for rate in estimates]
            waiting = [Candidate(wallet, "", now - polled[wallet], False, needs[wallet], False) for wallet in wallets]
            for one in self.choose(waiting, self.limits)[: self.limits.polls]:
                seen, unseen[one.id] = unseen[one.id], []
                estimates[one.id] = estimates[one.id].with_trades(Counter(int(second) for second in seen))
                polled[one.id] = now
                if minute >= warm_up:
                    self.polls[one.waited] += self.rates[one.id]
        return self

    @property
    def mean(self) -> float:
        """The mean delay by trade."""
        return expected_mean([rate * wait for wait, rate in self.polls.items()], list(self.polls))

    @property
    def p95(self) -> float:
        """What 95 % of the trades keep to."""
        return expected_delay([rate * wait for wait, rate in self.polls.items()], list(self.polls), 0.95)

    @property
    def longest_wait(self) -> float:
        """The longest time between two polls of a wallet."""
        return max(self.polls)

    def _past(self, chance: random.Random) -> list[TradeRate]:
        """What is known of each wallet once its list has been read."""
        seconds: list[Counter[int]] = [Counter() for _ in self.rates]
        for wallet, second in self._trades(chance, -60.0 * (_PAST_MINUTES + 1), _PAST_MINUTES):
            seconds[wallet][int(second)] += 1
        return [TradeRate().with_trades(counts) for counts in seconds]

    def _trades(self, chance: random.Random, start: float, minutes: int) -> Iterator[tuple[int, float]]:
        """Trades of independent Poisson processes, in `minutes` from `start` on."""
        total, second, end = sum(self.rates) / 60.0, start, start + 60.0 * minutes
        seconds = list[float]()
        while (second := second + chance.expovariate(total)) < end:
            seconds.append(second)
        return zip(chance.choices(range(len(self.rates)), self.rates, k=len(seconds)), seconds, strict=True)


def poll_delays() -> Iterator[str]:
    """At 5,000 wallets for tails of several weights, and with s = 1.1 from 500 to 50,000 wallets."""
    for exponent in (1.0, 1.2, 1.5):
        yield compare(5_000, exponent)
    for wallets in (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000):
        yield compare(wallets, 1.1)


def compare(wallets: int, exponent: float, minutes: int = 120) -> str:
    """A line of the table: our delays against round robin's and against the least possible mean."""
    rates = zipf(wallets, exponent)
    # Nothing is left then of how the simulation begins.
    warm_up = max(60, round(LIMITS.gap_for(wallets) / 60))
    ours = Simulation(rates).run(minutes, warm_up)
    turns = Simulation(rates, choose=take_turns).run(minutes, warm_up)
    planned = gaps(rates, LIMITS)
    least = expected_mean(rates, planned)
    return (
        f"{wallets:>6,} wallets, s = {exponent}: by need mean {ours.mean:5.0f} s, 95 % {ours.p95:5.0f} s; in turns "
        f"mean {turns.mean:5.0f} s, 95 % {turns.p95:5.0f} s: {ours.mean / turns.mean:.2f} x (goal <= 0.4); "
        f"square-root rule with the true rates: mean {least:5.0f} s, {ours.mean / least:.2f} x (goal <= 1.15); "
        f"longest wait {ours.longest_wait / 60:.0f} min"
    )
