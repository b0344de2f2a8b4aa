"""The databases of three shards as one: the first merge of them, and one each minute after it."""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from opinionscope.store.database import Store
from opinionscope.store.mirroring import OF_FIGURES, TRADES, WHALES
from opinionscope.store.position_checks import (
    CheckedPosition,
    find_known_positions,
    find_wallets_to_check,
    record_check,
    save_checked_positions,
)
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.store.whale_figures import publish_figures
from opinionscope.times import to_seconds_text, utc_now
from tests.benchmarks.harness import Comparison, alternate, opinionscope, scratch_folder
from tests.benchmarks.scale import fill

TRADES_OF_ALL = int(os.environ.get("OPINIONSCOPE_BENCHMARK_MERGED_TRADES", "1000000"))
SHARDS = 3
NEW_TRADES = 1_000
CHECKED = 10
ROUNDS = 3


def merge_shards() -> Iterator[object]:
    """A first merge, against copying the same rows with plain SQL, and merges after it."""
    with scratch_folder() as folder:
        sources = [folder / f"shard{number}.db" for number in range(SHARDS)]
        for number, source in enumerate(sources):
            fill(source, TRADES_OF_ALL // SHARDS)
            _rename_wallets(source, number)
        positions = sum(_count(source, "positions") for source in sources)
        yield f"{TRADES_OF_ALL:,} trades and {positions:,} positions in {SHARDS} shards"
        targets, plain = (folder / f"merged{number}.db" for number in count()), folder / "plain.db"
        ours, theirs = alternate(
            lambda: _first_merge(next(targets), sources), lambda: _copy_with_plain_sql(plain, sources), ROUNDS
        )
        yield Comparison("first merge", "INSERT ... SELECT of the same rows", ours, theirs)
        yield from _further_merges(folder / "merged0.db", sources)


def _first_merge(target: Path, sources: Sequence[Path]) -> float:
    return opinionscope("merge", str(target), *map(str, sources)).wall


def _copy_with_plain_sql(target: Path, sources: Sequence[Path]) -> float:
    """Into a database with the same tables and indexes, each source in a transaction."""
    _delete(target)
    with Store.open(target) as store:
        store.pragma("cache_size = -65536")  # as a merge has it
        begin = time.perf_counter()
        for source in sources:
            store.query("ATTACH ? AS source", (str(source),))
            with store.transaction() as transaction:
                for table in (WHALES, TRADES, *OF_FIGURES):
                    columns = ", ".join(table.columns(transaction))
                    transaction.execute(
                        f"INSERT INTO main.{table.table} ({columns}) SELECT {columns} FROM source.{table.table}"
                    )
            store.query("DETACH source")
        return time.perf_counter() - begin


def _further_merges(target: Path, sources: Sequence[Path]) -> Iterator[str]:
    def timed() -> float:
        return opinionscope("merge", str(target), *map(str, sources)).wall * 1000

    def after(change: Callable[[Path], None]) -> float:
        """The time of a merge after every source was changed."""
        times = list[float]()
        for _ in range(ROUNDS):
            for source in sources:
                change(source)
            times.append(timed())
        return statistics.median(times)

    start = statistics.median(opinionscope("--version").wall * 1000 for _ in range(ROUNDS))
    with_news = after(lambda source: _trade(source, NEW_TRADES // len(sources)))
    without = statistics.median(timed() for _ in range(ROUNDS))
    yield (
        f"a merge of {NEW_TRADES:,} new trades of as many wallets: {with_news:.0f} ms, without "
        f"news: {without:.0f} ms; of both, {start:.0f} ms are the start of the program"
    )
    wallets = sum(_count(source, "whales") for source in sources)
    yield (
        f"after `stats` has written the figures of all {wallets:,} wallets: {after(_publish):.0f} ms; after "
        f"`sync positions` has checked {CHECKED} positions of each: {after(_check):.0f} ms"
    )


def _publish(source: Path) -> None:
    """What `stats` writes each hour, though nobody has traded."""
    with Store.open(source) as store:
        publish_figures(store, utc_now())


def _check(source: Path) -> None:
    """What `sync positions` writes each hour: the exchange values all open positions anew."""
    now = utc_now()
    with Store.open(source) as store:
        for wallet in find_wallets_to_check(store, now):
            listed = find_known_positions(store, wallet.address)[:CHECKED]
            checked = [
                CheckedPosition(
                    each.market_id, each.outcome_side, None, None, None, 1.0, random.random(), 0.0, None, None, None
                )
                for each in listed
            ]
            with store.transaction() as transaction:
                save_checked_positions(transaction, wallet.address, checked, now)
                record_check(transaction, wallet.id, now, None)


def _trade(source: Path, number: int) -> None:
    now = utc_now()
    with Store.open(source) as store:
        wallets = [row[0] for row in store.query("SELECT address FROM whales ORDER BY random() LIMIT ?", (number,))]
        with store.transaction() as transaction:
            for wallet in wallets:
                trade = NewTrade(
                    "100001", "1277", "What price will Bitcoin hit?", "0xnew", "BUY", "YES", 1, 0.5, 20.0, 10.0, 0.0,
                    0.0, None, "56", to_seconds_text(now), random.getrandbits(60), 1,
                )  # fmt: skip
                insert_trades(transaction, wallet, [trade], now)
                transaction.execute("UPDATE whales SET known_trades = known_trades + 1 WHERE address = ?", (wallet,))


def _rename_wallets(source: Path, number: int) -> None:
    """Give each shard wallets of its own."""
    with Store.open(source) as store:
        with store.transaction() as transaction:
            for table, column in (
                ("whale_activity", "whale_address"), ("positions", "whale_address"), ("whales", "address")
            ):  # fmt: skip
                transaction.execute(f"UPDATE {table} SET {column} = '0x{number}' || substr({column}, 4)")
        store.pragma("wal_checkpoint(TRUNCATE)")


def _count(database: Path, table: str) -> int:
    with Store.open_to_read(database) as store:
        return int(store.value(f"SELECT count(*) FROM {table}"))


def _delete(database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
