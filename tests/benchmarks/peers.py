"""The same work as others do it, on the same exchange and machine: a plain loop, sqlite-utils upserts, dlt."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from opinionscope.exchange import Exchange, ExchangeServer
from tests.benchmarks.harness import Cost, opinionscope, run, scratch_folder
from tests.benchmarks.polling import SEQUENTIAL_LOOP, settings_for, track

MARKETS_INTO_SQLITE_UTILS = """
import sys
import requests, sqlite_utils
url, database = sys.argv[1:]
table, session, page = sqlite_utils.Database(database)["markets"], requests.Session(), 1
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

MARKETS_WITH_DLT = """
import sys
import dlt
from dlt.sources.rest_api import rest_api_source
url, folder = sys.argv[1:]
source = rest_api_source({
    "client": {"base_url": url, "paginator": {"type": "page_number", "base_page": 1, "page_param": "page",
                                              "total_path": None, "stop_after_empty_page": True}},
    "resources": [{"name": "markets", "primary_key": "marketId", "write_disposition": "merge",
                   "endpoint": {"path": "market", "data_selector": "result.list",
                                "params": {"limit": 20, "status": "activated", "marketType": 2}}}],
})
dlt.pipeline("benchmark", destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder}/dlt.db"),
             dataset_name="main", pipelines_dir=folder).run(source)
"""


def peers(markets: int = 300, wallets: int = 250) -> Iterator[str]:
    """Time, CPU and memory of each, without a rate limit for the markets and at 250 ms and 15 a second for wallets."""
    exchange = Exchange(
        seed=1, markets=markets, wallets=wallets, history=10, trades_per_minute=0, market_churn_per_minute=0
    )
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None, latency=0.05) as server:
        yield f"first full sync of {markets} markets and their children at 50 ms, no rate limit:"
        settings = settings_for(server, folder / "benchmark.db", 1000)
        yield _line("opinionscope", opinionscope("sync", "markets", settings=settings))
        path = str(folder / "sqlite-utils.db")
        yield _line(
            "requests loop and sqlite-utils upserts",
            run(sys.executable, "-c", MARKETS_INTO_SQLITE_UTILS, server.url, path),
        )
        yield _dlt(server, folder)
        server.rate_limit, server.latency = 15, 0.25
        yield f"poll of {wallets} wallets at 250 ms, 15 requests a second:"
        track(exchange, folder / "benchmark.db")
        yield _line(
            "opinionscope", opinionscope("sync", "whales", settings=settings_for(server, folder / "benchmark.db", 15))
        )
        yield _line("requests loop", run(sys.executable, "-c", SEQUENTIAL_LOOP, server.url, "0.05", *exchange.wallets))


def _dlt(server: ExchangeServer, folder: Path) -> str:
    if importlib.util.find_spec("dlt") is None:
        return "  dlt: not installed (pip install 'dlt[sqlalchemy]')"
    return _line("dlt REST source", run(sys.executable, "-c", MARKETS_WITH_DLT, server.url, str(folder)))


def _line(name: str, cost: Cost) -> str:
    return f"  {name:<42} {cost.wall:6.1f} s   {cost.cpu:6.2f} s CPU   {cost.memory:4.0f} MiB"
