"""A newest page that comes as it came before: it says nothing new, but only of a wallet that lacks nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from opinionscope.api.answers import Page
from opinionscope.api.client import OpinionClient
from opinionscope.api.models import Trade
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.whales.history import History
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales

from .list_model import Batch, ListModel
from .list_reader import Reader

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
LONG_AGO = datetime.fromtimestamp(0, UTC)


def test_a_fill_that_was_counted_before_it_was_listed_is_found_below_an_unchanged_page(tmp_path: Path) -> None:
    model = ListModel(claim=lambda total: 46)
    reader = Reader(model, tmp_path)
    model.add(Batch(count=45, spread=1))
    while reader.run() > 1:
        """Until it waits before it reads the whole list once more in vain."""
    assert reader.known() == 45

    model.add(Batch(count=1, depth=30))
    for _ in range(70):
        reader.run()

    reader.check(exact=True)


def test_a_page_that_cannot_be_read_to_its_end_is_told_of_in_every_run(tmp_path: Path) -> None:
    trade = Trade.model_validate(
        {
            "txHash": "0x1",
            "marketId": 7,
            "side": "Buy",
            "price": 1,
            "shares": 1,
            "amount": 1,
            "createdAt": 1_700_000_000,
        }
    )
    page = Page([trade], None, 2, ["item 0x2: price: Field required"], b"always the same")
    with Store.open(tmp_path / "o.db") as store:
        add_whales(store, [("0x" + "a" * 40, None)], "manual", NOW)
        for _ in range(3):
            (wallet,) = find_wallets(store)
            history = History(
                store,
                wallet,
                lambda known: None if known == page.digest else page,
                lambda number, limit=20: page if number == 1 else Page[Trade]([], None, 0, []),
                NOW,
                lambda: LONG_AGO,
            )
            history.poll()
            while history.unfinished:
                history.deepen(10)
            assert list(history.problems) == page.problems


def test_the_client_reads_a_newest_page_anew_only_when_it_has_changed(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = Exchange(seed=1, markets=3, wallets=1, history=30, trades_per_minute=0, market_churn_per_minute=0)
    (address,) = exchange.wallets
    with ExchangeServer(exchange, rate_limit=None) as server:
        monkeypatch.setenv("OPINION_TRADE_BASE_URL", server.url)
        monkeypatch.setenv("OPINION_TRADE_API_KEY", "a-key-of-the-tests")
        pacer = Pacer(tmp_path / "pacer", 500)
        with OpinionClient(Settings.load(), pacer, deadline=float("inf")) as client:
            first = client.fetch_newest_trades(address, None)
            assert first is not None
            assert (len(first.items), first.total) == (20, 30)
            assert client.fetch_newest_trades(address, first.digest) is None

            exchange.add_trades(address, [exchange.make_trade(address, created_at=first.items[-1].created_at - 1)])

            changed = client.fetch_newest_trades(address, first.digest)
            assert changed is not None
            assert (changed.items, changed.total) == (first.items, 31)
        pacer.close()
