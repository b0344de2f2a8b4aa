"""A day of real runs with more wallets than polls: the real client, a simulated exchange, a real database.

Only the clock is moved: each run begins a minute after the last. It is a tenth of 2,000 wallets and 750 polls a minute,
which have traded for three days when the first run begins. `OPINIONSCOPE_TEST_WALLETS=2000` runs the whole of it, in
about an hour.
"""

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.health.delay import judge_delay
from opinionscope.health.polling import read_polling
from opinionscope.job_table import WHALES
from opinionscope.jobs.whales.sync import sync_whales
from opinionscope.polling.limits import Limits
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.delays import find_delays
from opinionscope.store.sync_logs import Outcome, close_run, open_run
from opinionscope.store.whales import add_whales
from tests.benchmarks.delays import zipf
from tests.benchmarks.harness import scratch_folder

BEGIN = datetime(2026, 9, 21, 12, tzinfo=UTC)
WALLETS = int(os.environ.get("OPINIONSCOPE_TEST_WALLETS", "200"))
LIMITS = Limits(polls=WALLETS * 3 // 8, period=60.0, longest_gap=1_800.0)


def a_day(wallets: int = WALLETS, hours: int = 24) -> Iterator[str]:
    """Every hour: how late the trades of the last 24 hours were seen, and how late they were expected to be."""
    exchange = Exchange(markets=5, wallets=0, trades_per_minute=0, market_churn_per_minute=0, clock=BEGIN.timestamp)
    rates = dict(zip((f"0x{number:040x}" for number in range(wallets)), zipf(wallets, 1.1), strict=True))
    chance, made, statuses = random.Random(1), 0, set[str]()
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
        settings = Settings.model_validate(
            {"OPINION_TRADE_API_KEY": "key", "OPINION_TRADE_BASE_URL": server.url, "OPINIONSCOPE_RATE_LIMIT": 1_000}
        )
        pacer = Pacer(folder / "pacer", settings.rate_limit)
        with Store.open(folder / "day.db") as store:
            store.pragma("synchronous = OFF")
            for address in rates:
                exchange.add_wallet(address)
            add_whales(store, [(address, None) for address in rates], "import", BEGIN)
            made += _trade(exchange, rates, BEGIN - timedelta(days=3), BEGIN, chance)
            for minute in range(1, 60 * hours + 1):
                now = BEGIN + timedelta(minutes=minute)
                made += _trade(exchange, rates, now - timedelta(minutes=1), now, chance)
                server.forget()
                began = time.monotonic()
                deadline, run_id = began + 60, open_run(store, WHALES, now)
                with OpinionClient(settings, pacer, deadline=deadline) as client:
                    result = sync_whales(
                        client, store, now=now, retention=timedelta(days=90), deadline=deadline, limits=LIMITS
                    )
                ended = now + timedelta(seconds=time.monotonic() - began)
                close_run(store, run_id, Outcome(result.status), ended)
                statuses.add(result.status)
                if minute % 60 == 0:
                    yield _report(store, now, made, statuses)
        pacer.close()


def _trade(exchange: Exchange, rates: dict[str, float], begin: datetime, end: datetime, chance: random.Random) -> int:
    """The trades from `begin` to `end`, oldest first; how many."""
    wallets, weights = list(rates), list(accumulate(rates.values()))
    second, made = begin.timestamp(), 0
    while (second := second + chance.expovariate(weights[-1] / 60.0)) < end.timestamp():
        (address,) = chance.choices(wallets, cum_weights=weights)
        exchange.add_trades(address, [exchange.make_trade(address, created_at=int(second), visible_at=0)])
        made += 1
    return made


def _report(store: Store, now: datetime, made: int, statuses: set[str]) -> str:
    delays = find_delays(store, now)
    measured, expected = judge_delay(delays), read_polling(store, now, LIMITS)
    mean = sum(delays) / max(1, len(delays))
    stored = store.value("SELECT count(*) FROM whale_activity")
    return (
        f"{now:%H:%M}: {made:,} trades made, {stored:,} stored, runs {', '.join(sorted(statuses))}; measured mean "
        f"{mean:.0f} s, median {measured.median_seconds} s, 95 % {measured.p95_seconds} s; "
        f"expected median {expected.expected_median_seconds} s, 95 % {expected.expected_p95_seconds} s"
    )
