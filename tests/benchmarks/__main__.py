"""`python -m tests.benchmarks [NAME…]`: measure and print, all of it or the parts that are named."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tests.benchmarks import day, delays, ingest, merging, peers, polling, scale, servers, signals, startup

BENCHMARKS: dict[str, Callable[[], Iterator[object]]] = {
    "start": startup.start_up,
    "rate": polling.rate_kept,
    "keys": polling.several_keys,
    "throttled": polling.throttled_rate,
    "poll": polling.poll_cost,
    "delays": delays.poll_delays,
    "day": day.a_day,
    "store": ingest.store_trades,
    "sums": ingest.sum_up_positions,
    "markets": ingest.sync_markets_again,
    "scale": scale.figures_purge_and_listings,
    "growth": scale.growth,
    "merge": merging.merge_shards,
    "signals": signals.signals_cost,
    "signals-day": signals.signals_day,
    "servers": servers.unfriendly_servers,
    "peers": peers.peers,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in names or BENCHMARKS:
        print(f"\n{name}")
        for line in BENCHMARKS[name]():
            print(line, flush=True)


main(sys.argv[1:])
