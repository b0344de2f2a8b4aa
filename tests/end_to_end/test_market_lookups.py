"""Markets that only trades name, and how often a market is looked up: the real command on the simulated exchange."""

from opinionscope.simulator import Fault
from tests.conftest import CommandLine, Trading
from tests.end_to_end.still_markets import (
    WALLET,
    binaries,
    paths,
    row_of,
    still_exchange,
    store_trades,
    topic_of_several,
)


def test_a_market_that_only_trades_name_is_looked_up_by_its_topic_and_has_its_title_labels_and_result(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=12)
    server = trading(exchange)
    topic, binary = topic_of_several(exchange), binaries(exchange)[1]
    child = topic["childMarkets"][0]["marketId"]
    store_trades(command, exchange, *(exchange.make_trade(WALLET, market_id=each) for each in (child, child, binary)))
    exchange.close_market(topic["marketId"], categorical=True)
    exchange.close_market(binary)

    assert command("sync", "markets").returncode == 0

    assert paths(server)[f"/market/categorical/{topic['marketId']}"] == 1
    assert paths(server)[f"/market/{binary}"] == 1
    for number, title in (
        (child, f"{topic['marketTitle']}: {topic['childMarkets'][0]['marketTitle']}"),
        (binary, None),
    ):
        row = row_of(command, number)
        assert (row["status"], row["labels"]) != ("activated", "[]")
        assert title in (None, row["title"])
        side = "yes_token_id" if exchange.winning_side(number) == 1 else "no_token_id"
        assert row["result_token_id"] == row[side]
    assert row_of(command, child)["parent_external_id"] == str(topic["marketId"])
    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def test_a_market_is_looked_up_for_a_position_whose_trades_are_purged_and_its_result_decides_it(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=12)
    trading(exchange)
    number = binaries(exchange)[0]
    long_ago = int(exchange.clock()) - 300 * 86_400
    store_trades(command, exchange, exchange.make_trade(WALLET, market_id=number, created_at=long_ago))
    assert command.query("SELECT count(*) FROM whale_activity") == [(0,)]
    figures = "SELECT state, exposure, settled FROM position_figures"
    assert command.query(figures) == [("open", 5.0, 0.0)]
    exchange.close_market(number)
    assert command("sync", "markets").returncode == 0
    won = exchange.winning_side(number) == 1
    assert command.query(figures) == [("won", 5.0, 5.0) if won else ("lost", 5.0, -5.0)]


def test_a_market_that_only_trades_name_and_that_is_gone_is_deleted_under_the_title_of_its_trades(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    names = {"market_title": "Yes, by June", "root_market_title": "Will it?"}
    orphans = [exchange.make_trade(WALLET, market_id=n, root_market_id=9_001, **names) for n in (9_100, 9_101)]
    store_trades(command, exchange, *orphans, exchange.make_trade(WALLET, market_id=9_200, root_market_id=0))
    assert command("sync", "markets").returncode == 0
    asked = {path: count for path, count in paths(server).items() if "90" in path or "91" in path or "92" in path}
    assert asked == {"/market/categorical/9001": 1, "/market/9100": 1, "/market/9101": 1, "/market/9200": 1}
    for number in (9_100, 9_101):
        row = row_of(command, number)
        assert (row["status"], row["title"], row["market_type"]) == ("deleted", "Will it?: Yes, by June", "child")
    assert row_of(command, 9_200)["market_type"] == "binary"
    server.forget()
    command("sync", "markets")
    assert paths(server).keys() == {"/market"}


def test_an_option_whose_topic_is_not_shown_keeps_the_title_that_its_trades_give_it(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=12)
    trading(exchange)
    topic = topic_of_several(exchange)
    child = topic["childMarkets"][0]
    exchange.close_market(child["marketId"])
    store_trades(command, exchange, exchange.make_trade(WALLET, market_id=child["marketId"], root_market_id=9_001))
    assert command("sync", "markets").returncode == 0
    row = row_of(command, child["marketId"])
    assert (row["market_type"], row["parent_external_id"], row["status"]) == ("child", "9001", "resolved")
    assert row["title"] == f"{topic['marketTitle']}: {child['marketTitle']}"


def test_lookups_are_bounded_and_the_latest_traded_come_first(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    now = int(exchange.clock())
    trades = [
        exchange.make_trade(WALLET, market_id=10_000 + age, root_market_id=0, created_at=now - 60 * age)
        for age in range(1, 101)
    ]
    store_trades(command, exchange, *trades)
    for first, last in ((1, 60), (61, 100), (101, 100)):
        server.forget()
        assert command("sync", "markets").returncode == 0
        asked = {path for path in paths(server) if path != "/market"}
        assert asked == {f"/market/{10_000 + age}" for age in range(first, last + 1)}


def test_a_market_whose_detail_cannot_be_read_is_asked_for_less_and_less_often(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    command("sync", "markets")
    number = binaries(exchange)[0]
    exchange.close_market(number)
    server.faults.add(Fault("null_result", path_contains=f"/market/{number}"))
    assert [command("sync", "markets").returncode for _ in range(3)] == [1, 1, 0]
    assert row_of(command, number)["status"] == "activated"
