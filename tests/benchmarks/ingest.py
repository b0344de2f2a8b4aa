"""Storing: new trades page by page, and a second sync of markets of which few have changed."""

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from opinionscope.api.answers import Page, read_page, read_result
from opinionscope.api.models import Market, Trade
from opinionscope.jobs.whales.history import History
from opinionscope.jobs.whales.position_changes import PositionChanges
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import NewTrade
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales
from opinionscope.times import from_unix, to_seconds_text, utc_now
from tests.benchmarks.harness import Comparison, Cost, alternate, opinionscope, run, scratch_folder
from tests.benchmarks.polling import settings_for, still_exchange, track

PAGE_SIZE = 20
WALLET = "0x" + "1" * 40
_FILLS_OF_AN_ORDER = (1, 1, 1, 2, 2, 3, 4, 6)


def store_trades(count: int = 100_000) -> Iterator[str | Comparison]:
    """From answers in memory to committed rows, against json and raw inserts of the same rows, in both ways."""
    bodies = list(_bodies(count))
    for yardstick, batch in (("json and executemany, once", len(bodies)), ("json and executemany, by page", 1)):
        with scratch_folder() as folder:
            names = (folder / f"{number}.db" for number in range(100))
            ours, theirs = alternate(
                lambda names=names: _store_as_the_job_does(bodies, next(names)),  # type: ignore[misc]
                lambda names=names, batch=batch: _store_raw(bodies, next(names), batch),  # type: ignore[misc]
            )
        yield Comparison(f"store {count:,} new trades", yardstick, ours, theirs, 2.2)
    exchange = still_exchange(wallets=1, history=count)
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
        database = folder / "benchmark.db"
        track(exchange, database)
        long_ago = {"OPINIONSCOPE_RETENTION_DAYS": "36500", "OPINIONSCOPE_RUN_BUDGET": "600"}
        cost = opinionscope("sync", "whales", settings=settings_for(server, database, 1000) | long_ago)
        yield (
            f"a wallet of {count:,} trades, with the requests for them, in one run: {cost.wall:.1f} s, "
            f"{cost.memory:.0f} MiB at the peak (goal <= 90)"
        )


def sum_up_positions(count: int = 30_000) -> Iterator[Comparison]:
    """Storing trades with the sums of their positions against storing them alone. CPU."""
    kinds = (
        ("orders of 1 to 6 fills", list(_bodies(count, _FILLS_OF_AN_ORDER))),
        ("each in a market drawn anew", list(_bodies(count))),
    )
    for name, bodies in kinds:
        with scratch_folder() as folder:
            names = (folder / f"{number}.db" for number in range(100))
            comparison = alternate(
                lambda bodies=bodies, names=names: _store_with_sums(bodies, next(names)),  # type: ignore[misc]
                lambda bodies=bodies, names=names: _store_without_sums(bodies, next(names)),  # type: ignore[misc]
            )
        yield Comparison(f"store {count:,} trades, CPU: {name}", "without the sums of positions", *comparison, 1.25)


def _store_with_sums(bodies: list[bytes], database: Path) -> float:
    begin = time.process_time()
    _store_as_the_job_does(bodies, database)
    return time.process_time() - begin


def _store_without_sums(bodies: list[bytes], database: Path) -> float:
    with patch.multiple(PositionChanges, add=_do_nothing, take_away=_do_nothing, save=_do_nothing):
        return _store_with_sums(bodies, database)


def _do_nothing(*_: object) -> None:
    """What stands for the sums."""


def sync_markets_again(markets: int = 2_000) -> Iterator[str | Comparison]:
    """A second sync after 1 % of the markets have changed, against fetching and parsing the same pages. CPU."""
    costs: list[Cost] = []
    exchange = Exchange(seed=1, markets=markets, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    listed = exchange.markets()
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
        settings = settings_for(server, folder / "benchmark.db", 1000)
        opinionscope("sync", "markets", settings=settings)

        def ours() -> float:
            for market in random.Random(time.time()).sample(listed, markets // 100):
                title = f"Renamed at {time.time()}"
                exchange.rename_market(market["marketId"], title, categorical=market["marketType"] == 1)
            costs.append(opinionscope("sync", "markets", settings=settings))
            return costs[-1].cpu

        pages = -(-markets // PAGE_SIZE)
        script = _FETCH_AND_PARSE.format(module=Market.__module__, url=server.url, pages=pages)
        comparison = alternate(ours, lambda: run(sys.executable, "-c", script).cpu, 11)
    yield Comparison(f"sync {markets:,} markets again, 1 % changed, CPU", "fetching and parsing them", *comparison, 1.3)
    yield f"{max(cost.memory for cost in costs):.0f} MiB at the peak (goal <= 90)"


_FETCH_AND_PARSE = """
import json, requests, typer
from {module} import Market
session = requests.Session()
for page in range(1, {pages} + 1):
    parameters = {{"page": page, "limit": 20, "status": "activated", "marketType": 2}}
    answer = json.loads(session.get("{url}/market", params=parameters, timeout=10).content)
    for market in answer["result"]["list"]:
        for child in Market.model_validate(market).children or []:
            Market.model_validate(child)
"""


def _store_as_the_job_does(bodies: list[bytes], database: Path) -> float:
    now = utc_now()

    def fetch_page(number: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        return read_page(read_result(bodies[number - 1]), Trade)

    with Store.open(database) as store:
        add_whales(store, [(WALLET, None)], "import", now)
        (wallet,) = find_wallets(store)
        history = History(store, wallet, lambda _: fetch_page(1), fetch_page, now, lambda: now - timedelta(90))
        begin = time.perf_counter()
        history.poll()
        while history.unfinished:
            history.deepen(10)
        return time.perf_counter() - begin


def _store_raw(bodies: list[bytes], database: Path, batch: int) -> float:
    columns = ("whale_address", "platform", "first_seen_at", *NewTrade._fields)
    insert = f"INSERT INTO whale_activity ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    moment = to_seconds_text(utc_now())
    with Store.open(database) as store:
        begin = time.perf_counter()
        for start in range(0, len(bodies), batch):
            pages = (json.loads(body)["result"]["list"] or [] for body in bodies[start : start + batch])
            with store.transaction() as connection:
                connection.executemany(insert, (_raw_row(item, moment) for page in pages for item in page))
        return time.perf_counter() - begin


def _raw_row(item: dict[str, str], moment: str) -> tuple[object, ...]:
    figures = (float(item[name]) for name in ("price", "shares", "amount", "fee", "profit"))
    named = (item[name] for name in ("marketId", "rootMarketId", "marketTitle", "txHash"))
    outcome = ("BUY", item["outcome"], item["outcomeSide"])
    rest = (item["quoteToken"], item["chainId"], from_unix(int(item["createdAt"])), hash(item["txHash"]), 1)
    return (WALLET, "opinion_trade", moment, *named, *outcome, *figures, *rest)


def _bodies(count: int, fills: Sequence[int] = (1,)) -> Iterator[bytes]:
    """The pages of a list of `count` trades, newest first, and the empty one at its end.

    Each order is in a market drawn anew and has so many `fills`.
    """
    chance = random.Random(1)
    newest = int(time.time())
    items = list[dict[str, object]]()
    while len(items) < count:
        market = chance.randint(1_000, 3_000)
        items += [_trade(chance, market, newest - 3 * len(items) - 3 * n) for n in range(chance.choice(fills))]
    items = items[:count]
    for start in range(0, count, PAGE_SIZE):
        yield json.dumps({"errno": 0, "result": {"list": items[start : start + PAGE_SIZE], "total": count}}).encode()
    yield json.dumps({"errno": 0, "result": {"list": None, "total": count}}).encode()


def _trade(chance: random.Random, market: int, second: int) -> dict[str, object]:
    return {
        "txHash": f"0x{chance.randbytes(32).hex()}",
        "marketId": market,
        "marketTitle": "↑ 100,000",
        "rootMarketId": 1277,
        "rootMarketTitle": "What price will Bitcoin hit?",
        "side": "Buy",
        "outcome": "YES",
        "outcomeSide": 1,
        "outcomeSideEnum": "Yes",
        "price": f"{chance.random():.18f}",
        "shares": f"{chance.uniform(1, 1000):.16f}",
        "amount": f"{chance.uniform(1, 1000):.6f}",
        "fee": f"{chance.random():.18f}",
        "profit": f"{chance.uniform(-5, 5):.18f}",
        "quoteToken": "0x55d398326f99059fF775485246999027B3197955",
        "quoteTokenUsdPrice": "1.000000000000000000",
        "usdAmount": "798776000000000000.000000000000000000",
        "status": 2,
        "statusEnum": "Finished",
        "chainId": "56",
        "createdAt": second,
    }
