"""A database of years: figures, purge and listings over millions of trades, and what grows with them."""

import os
import random
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from opinionscope.jobs.stats import compute_stats
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.times import to_seconds_text, utc_now
from tests.benchmarks.harness import ROUNDS, Comparison, Cost, alternate, opinionscope, scratch_folder
from tests.benchmarks.polling import settings_for, track

TRADES = int(os.environ.get("OPINIONSCOPE_BENCHMARK_TRADES", "10000000"))
WHALES = 1_000
DAYS = 100
NEW_TRADES = 1_000
LISTINGS = (("logs",), ("status",), ("activity",), ("whales", "list"))

_FILL = (
    "DROP INDEX whale_activity_identity",
    "DROP INDEX whale_activity_by_time",
    "DROP INDEX whale_activity_by_market",
    """
    INSERT INTO whales (address, source, added_at, last_polled_at, last_synced_at, history_read_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :whales)
    SELECT printf('0x%040x', i), 'import', :now, :now, :now, strftime('%Y-%m-%dT%H:%M:%fZ', :first, 'unixepoch') FROM n
    """,
    """
    INSERT INTO whale_activity (whale_address, platform, market_external_id, root_market_external_id, market_title,
        tx_hash, action, outcome, outcome_side, price, shares, amount, fee, profit, quote_token, chain_id, timestamp,
        first_seen_at, fingerprint, copy)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :trades)
    SELECT printf('0x%040x', 1 + abs(random()) % :whales), 'opinion_trade', CAST(100000 + abs(random()) % 2000 AS TEXT),
        '1277', 'What price will Bitcoin hit: up 100,000', '0x' || lower(hex(randomblob(32))),
        iif(random() % 2, 'BUY', 'SELL'), 'YES', 1, 0.5, 20.0, abs(random()) % 100000 / 100.0, 0.01, 0.5,
        '0x55d398326f99059fF775485246999027B3197955', '56',
        strftime('%Y-%m-%dT%H:%M:%SZ', :first + CAST(i * :step AS INTEGER), 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', :first + (minute + (minute % 6 = 0)) * 60, 'unixepoch'), random(), 1
    FROM (SELECT i, CAST(i * :step AS INTEGER) / 60 + 1 AS minute FROM n)
    """,
    """
    CREATE UNIQUE INDEX whale_activity_identity ON whale_activity (whale_address, timestamp, fingerprint, copy)
    """,
    "CREATE INDEX whale_activity_by_time ON whale_activity (timestamp)",
    "CREATE INDEX whale_activity_by_market ON whale_activity (market_external_id, timestamp)",
    """
    INSERT INTO whale_hours SELECT w.id, CAST(strftime('%s', a.timestamp) AS INTEGER) / 3600, sum(a.amount)
    FROM whale_activity AS a JOIN whales AS w ON w.address = a.whale_address WHERE a.timestamp >= :hours GROUP BY 1, 2
    """,
    """
    UPDATE whales SET (traded_count, traded_volume, profit_sum, newest_trade_at, known_trades, api_total) = (
        SELECT count(*), total(amount), total(profit), max(timestamp), count(*), count(*)
        FROM whale_activity WHERE whale_address = address)
    """,
    """
    INSERT INTO markets (platform, external_id, parent_external_id, market_type, title, status, labels, yes_token_id,
        no_token_id, result_token_id, resolved_at, first_seen_at, updated_at)
    WITH RECURSIVE n(i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n WHERE i < 101999)
    SELECT 'opinion_trade', i, iif(i % 2, NULL, i / 20), iif(i % 2, 'binary', 'child'), 'Up 100,000',
        iif(i % 3, 'resolved', 'activated'), '[]', i || 'Y', i || 'N',
        iif(i % 3, i || iif(i % 5 < 2, 'Y', 'N'), NULL), iif(i % 3, :now, NULL), :now, :now FROM n
    """,
    """
    INSERT INTO positions (whale_address, platform, market_external_id, outcome_side, root_market_external_id,
        buy_shares, buy_amount, sell_shares, sell_amount, trade_count, first_traded_at, last_traded_at)
    SELECT whale_address, platform, market_external_id, outcome_side, market_external_id,
        total(iif(action = 'BUY', shares, 0)), total(iif(action = 'BUY', shares * price, 0)),
        total(iif(action = 'SELL', shares, 0)), total(iif(action = 'SELL', shares * price, 0)),
        count(*), min(timestamp), max(timestamp)
    FROM whale_activity GROUP BY whale_address, platform, market_external_id, outcome_side
    """,
    """
    INSERT INTO sync_logs (type, status, started_at, ended_at, item_count)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :days * 1440)
    SELECT iif(i % 6, 'whales', 'markets'), iif(i % 50, 'completed', 'failed'),
        strftime('%Y-%m-%dT%H:%M:%S.000Z', :now_seconds - (:days * 1440 - i) * 60, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%S.500Z', :now_seconds - (:days * 1440 - i) * 60, 'unixepoch'), 3 FROM n
    """,
)


def fill(database: Path, trades: int) -> None:
    """A database with that many trades of `WHALES` wallets, and a run each minute, over `DAYS` days."""
    now = utc_now()
    with Store.open(database) as store:
        store.pragma("synchronous = OFF")
        with store.transaction() as connection:
            for statement in _FILL:
                connection.execute(
                    statement,
                    {
                        "whales": WHALES,
                        "trades": trades,
                        "days": DAYS,
                        "now": to_seconds_text(now),
                        "now_seconds": int(now.timestamp()),
                        "first": int((now - timedelta(days=DAYS)).timestamp()),
                        "step": DAYS * 86_400 / trades,
                        "hours": to_seconds_text(now - timedelta(days=33)),
                    },
                )
        store.pragma("wal_checkpoint(TRUNCATE)")


def figures_purge_and_listings() -> Iterator[object]:
    """All measurements that want the large database, which is built once."""
    with scratch_folder() as folder:
        database = folder / "benchmark.db"
        begin = time.perf_counter()
        fill(database, TRADES)
        size = database.stat().st_size / 2**30
        yield f"{TRADES:,} trades of {WHALES:,} whales: {size:.1f} GiB, built in {time.perf_counter() - begin:.0f} s"
        yield from _figures(database)
        yield from _listings(database, folder / "empty.db")
        yield from _purge(database)


def _figures(database: Path) -> Iterator[object]:
    with Store.open(database) as store:
        positions = store.value("SELECT count(*) FROM positions")
        first = _timed(lambda: compute_stats(store, now=utc_now()))
        yield f"the first stats, of {positions:,} positions: {first:.0f} s"

        def ours() -> float:
            _make_due(store, NEW_TRADES)
            return _timed(lambda: compute_stats(store, now=utc_now()))

        def theirs() -> float:
            sql = "SELECT whale_address, count(*), sum(amount), sum(profit) FROM whale_activity GROUP BY whale_address"
            return _timed(lambda: store.query(sql))

        name = f"stats, {WHALES:,} whales, {NEW_TRADES:,} new trades (goal < 1 s)"
        yield Comparison(name, "a full GROUP BY", *alternate(ours, theirs, 3))


def _make_due(store: Store, count: int) -> None:
    """What as many new trades of any wallet and market do to its positions."""
    last = store.value("SELECT max(id) FROM positions")
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE positions SET buy_shares = buy_shares + 40, buy_amount = buy_amount + 20, figures_due = 1 "
            "WHERE id = ?",
            [(random.randint(1, last),) for _ in range(count)],
        )


def _listings(database: Path, empty: Path) -> Iterator[str]:
    opinionscope("cleanup", "--db", str(empty))
    for words in LISTINGS:
        full, start = alternate(
            lambda words=words: _listed(*words, "--db", str(database)),  # type: ignore[misc]
            lambda words=words: _listed(*words, "--db", str(empty)),  # type: ignore[misc]
        )
        beyond = (statistics.median(full) - statistics.median(start)) * 1000
        yield f"{' '.join(words)}: {beyond:.0f} ms beyond the same on an empty database (goal <= 150)"


def _purge(database: Path) -> Iterator[str]:
    expired = to_seconds_text(utc_now() - timedelta(days=90))
    with Store.open(database) as store:
        count = store.value("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (expired,))
        with store.transaction() as connection:
            connection.execute("UPDATE whales SET enabled = 0")
    costs: list[Cost] = []
    with _minute_jobs(database) as minutes:
        waits = _waits_of_a_writer(database, lambda: costs.append(opinionscope("cleanup", "--db", str(database))))
    yield (
        f"cleanup of {count:,} expired trades: {costs[0].wall:.0f} s, {costs[0].memory:.0f} MiB; another writer waited "
        f"{max(waits) * 1000:.0f} ms at the most (goal <= 250), {statistics.median(waits) * 1000:.1f} ms in the "
        f"middle; {len(minutes)} runs of sync whales meanwhile, none failed, the longest {max(minutes):.1f} s"
    )
    limit = to_seconds_text(utc_now() - timedelta(days=80))

    def one_delete() -> None:
        with closing(sqlite3.connect(database, timeout=600)) as connection, connection:
            connection.execute("DELETE FROM whale_activity WHERE timestamp < ?", (limit,))

    seconds: list[float] = []
    waits = _waits_of_a_writer(database, lambda: seconds.append(_timed(one_delete)), patience=600)
    yield f"one big DELETE of as many: {seconds[0]:.0f} s, another writer waited {max(waits):.1f} s at the most"


@contextmanager
def _minute_jobs(database: Path) -> Iterator[list[float]]:
    """Run `sync whales` over and over, for wallets that have a page each; the seconds that each run took.

    Raises RuntimeError if one fails.
    """
    exchange, seconds, done = _lively_exchange(), list[float](), threading.Event()
    with ExchangeServer(exchange, rate_limit=None) as server, ThreadPoolExecutor(1) as pool:
        track(exchange, database)
        settings = settings_for(server, database, 200)

        def run_on() -> None:
            while not done.is_set():
                seconds.append(opinionscope("sync", "whales", settings=settings).wall)

        runs = pool.submit(run_on)
        try:
            yield seconds
        finally:
            done.set()
            runs.result()


def _lively_exchange() -> Exchange:
    """Wallets that trade, with a page of history each."""
    return Exchange(seed=2, markets=10, wallets=50, history=10, trades_per_minute=6, market_churn_per_minute=0)


def growth() -> Iterator[str]:
    """What the jobs and listings cost at each size: nothing on the minute path may grow with the history."""
    yield "seconds, medians; the first cleanup purges a tenth of the trades, sync whales polls 50 wallets that trade:"
    names = ("sync whales", "stats", "cleanup", *(" ".join(words) for words in LISTINGS))
    yield f"{'trades':>12}  {'1st cleanup':>12}  " + "  ".join(f"{name:>12}" for name in names)
    trades = 10_000
    while trades <= TRADES:
        exchange = _lively_exchange()
        with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
            database = folder / "benchmark.db"
            fill(database, trades)
            track(exchange, database)
            first = opinionscope("cleanup", "--db", str(database)).wall
            settings = settings_for(server, database, 200)
            addresses = [word for address in exchange.wallets for word in ("--address", address)]
            commands = (("sync", "whales", *addresses), ("stats",), ("cleanup",), *LISTINGS)
            opinionscope(*commands[0], settings=settings)
            costs = [
                [opinionscope(*words, settings=settings, expected=_statuses(words[0])) for _ in range(ROUNDS)]
                for words in commands
            ]
        medians = (statistics.median(cost.wall for cost in runs) for runs in costs)
        memory = max(cost.memory for runs in costs for cost in runs)
        seconds = "  ".join(f"{median:>12.3f}" for median in medians)
        yield f"{trades:>12,}  {first:>12.1f}  {seconds}   at most {memory:.0f} MiB"
        trades *= 10


def _listed(*words: str) -> float:
    return opinionscope(*words, expected=_statuses(words[0])).wall


def _statuses(command: str) -> tuple[int, ...]:
    """The exit statuses that a command may have: `status` finds this database unhealthy."""
    return (0, 1) if command == "status" else (0,)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _waits_of_a_writer(database: Path, work: Callable[[], object], patience: float = 0) -> list[float]:
    """How long each of many small writes waited while `work` went on, as the jobs write or with more `patience`."""
    waits: list[float] = []
    done = threading.Event()

    def write() -> None:
        with Store.open(database) as store:
            if patience:
                store.pragma(f"busy_timeout = {int(patience * 1000)}")
            while not done.is_set():
                waits.append(_timed(lambda: _write_a_little(store)))
                time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        work()
    finally:
        done.set()
        writer.join()
    return waits


def _write_a_little(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute("UPDATE whales SET last_polled_at = last_polled_at WHERE id = 1")
