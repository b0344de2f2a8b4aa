"""The same work as others do it, on the same exchange and machine: a plain loop, sqlite-utils upserts, dlt.

None of them validates, keeps equal fills apart, knows what is missing, or stays below a rate limit by itself: they are
measured as they are commonly written, one request after the other.
"""

import importlib.util
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from opinionscope.simulator import Exchange, ExchangeServer
from tests.benchmarks.harness import Cost, opinionscope, run, scratch_folder
from tests.benchmarks.polling import SEQUENTIAL_LOOP, settings_for, track

MARKETS_LOOP = """
import sys
import requests
url, session, page = sys.argv[1], requests.Session(), 1
while True:
    parameters = {"page": page, "limit": 20, "status": "activated", "marketType": 2}
    if not session.get(f"{url}/market", params=parameters, timeout=10).json()["result"]["list"]:
        break
    page += 1
"""

MARKETS_INTO_SQLITE_UTILS = """
import sys
import requests, sqlite_utils
url, folder = sys.argv[1:]
table, session, page = sqlite_utils.Database(f"{folder}/sqlite-utils.db")["markets"], requests.Session(), 1
while True:
    parameters = {"page": page, "limit": 20, "status": "activated", "marketType": 2}
    markets = session.get(f"{url}/market", params=parameters, timeout=10).json()["result"]["list"]
    if not markets:
        break
    for market in markets:
        children = market.pop("childMarkets", None) or []
        table.upsert_all([market, *children], pk="marketId", alter=True)
    page += 1
"""

TRADES_INTO_SQLITE_UTILS = """
import sys
import requests, sqlite_utils
url, folder, *wallets = sys.argv[1:]
table, session = sqlite_utils.Database(f"{folder}/sqlite-utils.db")["trades"], requests.Session()
for wallet in wallets:
    answer = session.get(f"{url}/trade/user/{wallet}", params={"page": 1, "limit": 20}, timeout=10).json()
    trades = [{"wallet": wallet, **trade} for trade in answer["result"]["list"] or []]
    table.upsert_all(trades, pk=("wallet", "txHash", "marketId", "side", "shares", "createdAt"), alter=True)
"""

MARKETS_WITH_DLT = """
import sys
import dlt
from dlt.sources.rest_api import rest_api_source
url, folder = sys.argv[1:]
pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None, "stop_after_empty_page": True}
source = rest_api_source({
    "client": {"base_url": url, "paginator": pages},
    "resources": [{"name": "markets", "primary_key": "marketId", "write_disposition": "merge",
                   "endpoint": {"path": "market", "data_selector": "result.list",
                                "params": {"limit": 20, "status": "activated", "marketType": 2}}}],
})
dlt.pipeline("markets", destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder}/dlt.db"),
             dataset_name="main", pipelines_dir=folder).run(source).raise_on_failed_jobs()
"""

TRADES_WITH_DLT = """
import sys
import dlt
from dlt.sources.rest_api import rest_api_source
url, folder, *wallets = sys.argv[1:]
tracked = dlt.resource([[{"address": wallet} for wallet in wallets]], name="wallets")
source = rest_api_source({
    "client": {"base_url": url, "paginator": "single_page"},
    "resources": [tracked, {"name": "trades", "primary_key": ["txHash", "marketId", "side", "shares", "createdAt"],
                            "write_disposition": "merge",
                            "endpoint": {"path": "trade/user/{resources.wallets.address}",
                                         "data_selector": "result.list", "params": {"page": 1, "limit": 20}}}],
})
dlt.pipeline("trades", destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder}/dlt.db"),
             dataset_name="main", pipelines_dir=folder).run(source).raise_on_failed_jobs()
"""


def peers(markets: int = 300, wallets: int = 250, latency: float = 0.25, limit: int = 15) -> Iterator[str]:
    """Time, CPU and memory of each at the rate limit and the latency of the real exchange."""
    exchange = Exchange(
        seed=1, markets=markets, wallets=wallets, history=10, trades_per_minute=0, market_churn_per_minute=0
    )
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=limit, latency=latency) as server:
        database = folder / "benchmark.db"
        settings = settings_for(server, database, limit) | {"OPINIONSCOPE_RETENTION_DAYS": "36500"}
        yield f"first sync of {markets} markets and their children, at {latency * 1000:.0f} ms and {limit} a second:"
        yield _line("opinionscope", opinionscope("sync", "markets", settings=settings))
        yield _line("requests loop that stores nothing", _python(MARKETS_LOOP, server.url))
        yield _line("requests loop, sqlite-utils upserts", _python(MARKETS_INTO_SQLITE_UTILS, server.url, str(folder)))
        yield _dlt(MARKETS_WITH_DLT, server, folder)
        track(exchange, database)
        there_are = sum(len(exchange.visible_trades(wallet)) for wallet in exchange.wallets)
        yield f"first poll of {wallets} wallets with a page each, {there_are:,} trades in all:"
        ours = _line("opinionscope", opinionscope("sync", "whales", settings=settings))
        yield f"{ours}   {_count(database, 'whale_activity')} stored"
        yield _line("requests loop that stores nothing", _python(SEQUENTIAL_LOOP, server.url, "0", *exchange.wallets))
        upserts = _line(
            "requests loop, sqlite-utils upserts",
            _python(TRADES_INTO_SQLITE_UTILS, server.url, str(folder), *exchange.wallets),
        )
        yield f"{upserts}   {_count(folder / 'sqlite-utils.db', 'trades')} stored"
        merged = _dlt(TRADES_WITH_DLT, server, folder, *exchange.wallets)
        yield f"{merged}   {_count(folder / 'dlt.db', 'trades')} stored"


def _dlt(script: str, server: ExchangeServer, folder: Path, *wallets: str) -> str:
    if importlib.util.find_spec("dlt") is None:
        return "  dlt: not installed (pip install '.[benchmarks]')"
    return _line("dlt REST source into SQLite", _python(script, server.url, str(folder), *wallets))


def _count(database: Path, table: str) -> str:
    """How many rows a table has; "nothing" where there is no such table."""
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return "nothing"
        return f"{connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]:,}"


def _python(script: str, *words: str) -> Cost:
    return run(sys.executable, "-c", script, *words, settings={"RUNTIME__DLTHUB_TELEMETRY": "false"})


def _line(name: str, cost: Cost) -> str:
    return f"  {name:<38} {cost.wall:6.1f} s   {cost.cpu:6.2f} s CPU   {cost.memory:4.0f} MiB"
