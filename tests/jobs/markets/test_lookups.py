"""What became of markets that left the list: each is looked up in its turn."""

import time
from pathlib import Path

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.markets.sync import sync_markets
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer, Fault
from opinionscope.store.database import Store
from opinionscope.times import utc_now


def test_a_market_whose_detail_cannot_be_read_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    exchange = Exchange(seed=2, markets=30, wallets=0, trades_per_minute=0, market_churn_per_minute=0)
    with ExchangeServer(exchange, rate_limit=None) as server, Store.open(tmp_path / "o.db") as store:
        settings = Settings.model_validate(
            {"OPINION_TRADE_API_KEY": "k", "OPINION_TRADE_BASE_URL": server.url, "OPINIONSCOPE_RATE_LIMIT": 500}
        )
        pacer = Pacer(tmp_path / "pacer", 500)

        def sync() -> str:
            with OpinionClient(settings, pacer, deadline=time.monotonic() + 30) as client:
                return sync_markets(client, store, now=utc_now(), deadline=time.monotonic() + 60, lookups=1).status

        sync()
        closed = sorted(str(market["marketId"]) for market in exchange.markets() if not market["childMarkets"])[:3]
        for market_id in closed:
            exchange.close_market(int(market_id), status=4)
        server.faults.add(Fault("null_result", path_contains=f"/market/{closed[0]}"))

        assert [sync() for _ in closed] == ["partial", "completed", "completed"]
        resolved = store.query("SELECT external_id FROM markets WHERE status = 'resolved' ORDER BY external_id")
        assert [row[0] for row in resolved] == closed[1:]
