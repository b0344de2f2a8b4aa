"""Polling: how much of the rate limit is used with a slow exchange, and what a poll costs without a limit."""

import gc
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.benchmarks.harness import Comparison, Cost, alternate, opinionscope, run, scratch_folder

# What one writes first: each wallet in turn, with a pause that keeps below the limit.
SEQUENTIAL_LOOP = """
import sys, time
import requests
url, pause, wallets = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
session = requests.Session()
for wallet in wallets:
    session.get(f"{url}/trade/user/{wallet}", params={"page": 1, "limit": 20}, timeout=10).json()
    time.sleep(pause)
"""


def still_exchange(wallets: int, history: int) -> Exchange:
    """Wallets that have traded and trade no more."""
    exchange = Exchange(seed=1, markets=10, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    for number in range(wallets):
        exchange.add_wallet(f"0x{number + 1:040x}", history=history)
    return exchange


def settings_for(server: ExchangeServer, database: Path, rate_limit: float, keys: str = "benchmark") -> dict[str, str]:
    """The environment of a command that talks to the server."""
    return {
        "OPINION_TRADE_BASE_URL": server.url,
        "OPINION_TRADE_API_KEY": keys,
        "OPINIONSCOPE_DB": str(database),
        "OPINIONSCOPE_RATE_LIMIT": str(rate_limit),
    }


def track(exchange: Exchange, database: Path) -> None:
    """Track all wallets of the exchange."""
    with Store.open(database) as store:
        add_whales(store, [(wallet, None) for wallet in exchange.wallets], "import", utc_now())


def rate_of(server: ExchangeServer) -> float:
    """The requests a second that arrived, from the first to the last."""
    arrivals = [request.at for request in server.requests]
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


def rate_kept(wallets: int = 250, latency: float = 0.25, limit: int = 15) -> Iterator[str]:
    """The first sync of wallets that have a page each, at the limit and the latency of the real exchange."""
    exchange = still_exchange(wallets, history=10)
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=limit, latency=latency) as server:
        database = folder / "benchmark.db"
        track(exchange, database)
        ours = opinionscope("sync", "whales", settings=settings_for(server, database, limit))
        rate = rate_of(server)
        yield (
            f"{wallets} wallets at {latency * 1000:.0f} ms: {rate:.2f} requests/s, {rate / limit:.1%} of the limit "
            f"of {limit} (goal >= 97 %), {server.count(429)} answers 429, at most {server.worst_window()} in any "
            f"second, {ours.wall:.1f} s, {ours.memory:.0f} MiB"
        )
        server.forget()
        theirs = run(sys.executable, "-c", SEQUENTIAL_LOOP, server.url, "0.05", *exchange.wallets)
        rate = rate_of(server)
        yield (
            f"the same with a sequential requests loop: {rate:.2f} requests/s, {rate / limit:.1%} of the limit, "
            f"{server.count(429)} answers 429, {theirs.wall:.1f} s, {theirs.memory:.0f} MiB; "
            f"opinionscope takes {ours.wall / theirs.wall:.2f} x its time"
        )


def throttled_rate(wallets: int = 200, latency: float = 0.1) -> Iterator[str]:
    """A first run, and one after it, at an exchange that allows a third of the documented rate."""
    exchange = still_exchange(wallets, history=10)
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=5, latency=latency) as server:
        database = folder / "benchmark.db"
        track(exchange, database)
        for name in ("first run", "second run"):
            server.forget()
            cost = opinionscope("sync", "whales", settings=settings_for(server, database, 15))
            sent, refused = len(server.requests), server.count(429)
            yield (
                f"{wallets} wallets at a third of the rate, {name}: {sent} requests in {cost.wall:.0f} s, "
                f"{refused} answers 429 = {refused / sent:.1%} (goal < 5 %)"
            )


def poll_cost(wallets: int = 900) -> Iterator[str | Comparison]:
    """A poll with nothing new: CPU of the whole run, start-up included. As fast as it goes, and with both in one pace.

    To sleep between requests costs CPU, in whatever program: it wakes up on a processor that has turned to others.
    """
    exchange = still_exchange(wallets, history=20)
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
        database = folder / "benchmark.db"
        track(exchange, database)
        for rate, pause, goal in ((1000, 0.0, 1.5), (200, 0.004, None)):
            settings = settings_for(server, database, rate)
            opinionscope("sync", "whales", settings=settings)
            costs: list[Cost] = []

            def ours(settings: dict[str, str] = settings, costs: list[Cost] = costs) -> float:
                costs.append(opinionscope("sync", "whales", settings=settings))
                return costs[-1].cpu

            def theirs(pause: float = pause) -> float:
                return run(sys.executable, "-c", SEQUENTIAL_LOOP, server.url, str(pause), *exchange.wallets).cpu

            name = f"a poll of {wallets} wallets with nothing new, CPU"
            yardstick = "requests.Session and json" + (f", {pause * 1000:.0f} ms pauses" if pause else "")
            comparison = Comparison(name, yardstick, *alternate(ours, theirs, 7), goal)
            yield comparison
            per_wallet = statistics.median(comparison.ours) / wallets * 1000
            wall = statistics.median(cost.wall for cost in costs)
            memory = max(cost.memory for cost in costs)
            yield (
                f"that is {per_wallet:.2f} ms a wallet (goal <= 3) at {rate} a second, {wall:.1f} s in all, "
                f"{memory:.0f} MiB at the peak (goal <= 90)"
            )


def several_keys(counts: Sequence[int] = (1, 4, 10), latency: float = 0.25, limit: int = 15) -> Iterator[str]:
    """A minute's run with several keys, at the limit and the latency of the real exchange: polls with nothing new."""
    for count in counts:
        keys = ",".join(f"benchmark-{number}" for number in range(count))
        exchange = still_exchange(60 * limit * count, history=10)
        with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
            database = folder / "benchmark.db"
            track(exchange, database)
            at_once = settings_for(server, database, 1000, keys) | {"OPINIONSCOPE_RUN_BUDGET": "600"}
            opinionscope("sync", "whales", settings=at_once)
            server.rate_limit, server.latency = limit, latency
            server.forget()
            # A full collection would stop the exchange of that many trades for a sixth of a second.
            gc.collect()
            gc.freeze()
            settings = settings_for(server, database, limit, keys)
            cost = opinionscope("sync", "whales", settings=settings, expected=(0, 1))
            rate, polls = rate_of(server), len(server.requests)
            yield (
                f"{count} keys: {rate:.2f} requests/s, {rate / limit / count:.1%} of {limit * count} (goal >= 95 %), "
                f"{server.count(429)} answers 429, at most {max(server.worst_windows().values())} with a key in any "
                f"second; {polls:,} of {len(exchange.wallets):,} wallets in {cost.wall:.0f} s, "
                f"{cost.cpu / polls * 1000:.2f} ms CPU a poll, {cost.cpu / cost.wall:.0%} of a core, "
                f"{cost.memory:.0f} MiB"
            )
