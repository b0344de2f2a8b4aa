"""The trade endpoint: a multiset, newest first, in which fills share seconds and arrive late."""

from collections import Counter

import pytest

from opinionscope.simulator import Exchange, SimulatedTrade

from .conftest import Ask, Clock

WALLET = "0x" + "ab" * 20


@pytest.fixture
def wallet(exchange: Exchange) -> str:
    exchange.add_wallet(WALLET)
    return WALLET


def page_hashes(ask: Ask, page: int, limit: int = 20) -> list[str]:
    listed = ask(f"/trade/user/{WALLET}", page=page, limit=limit).json()["result"]["list"]
    return [trade["txHash"] for trade in listed or []]


def test_a_trade_has_the_fields_and_texts_of_the_live_api(ask: Ask, exchange: Exchange, wallet: str) -> None:
    market = next(market for market in exchange.markets() if market["marketType"] == 1)
    child = market["childMarkets"][0]
    exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=child["marketId"], amount="0.798776")])
    (trade,) = ask(f"/trade/user/{wallet}").json()["result"]["list"]
    assert (trade["marketId"], trade["marketTitle"]) == (child["marketId"], child["marketTitle"])
    assert (trade["rootMarketId"], trade["rootMarketTitle"]) == (market["marketId"], market["marketTitle"])
    assert (trade["side"], trade["outcome"], trade["outcomeSide"], trade["outcomeSideEnum"]) == ("Buy", "YES", 1, "Yes")
    assert (trade["status"], trade["statusEnum"], trade["chainId"]) == (2, "Finished", "56")
    assert trade["usdAmount"] == "798776000000000000.000000000000000000"
    assert trade["quoteTokenUsdPrice"] == "1.000000000000000000"


def test_pages_are_newest_first_and_within_a_second_later_added_first(
    ask: Ask, exchange: Exchange, wallet: str, clock: Clock
) -> None:
    now = int(clock.now)
    trades = [exchange.make_trade(wallet, created_at=now - age) for age in (30, 10, 10, 20, 10)]
    exchange.add_trades(wallet, trades)
    expected = [trades[index].tx_hash for index in (4, 2, 1, 3, 0)]
    assert page_hashes(ask, 1, limit=3) + page_hashes(ask, 2, limit=3) == expected
    assert [trade.tx_hash for trade in exchange.visible_trades(wallet)] == expected


def test_a_trade_added_twice_is_listed_and_counted_twice(ask: Ask, exchange: Exchange, wallet: str) -> None:
    trade = exchange.make_trade(wallet)
    exchange.add_trades(wallet, [trade, trade])
    result = ask(f"/trade/user/{wallet}").json()["result"]
    assert result["total"] == 2
    assert result["list"][0] == result["list"][1]


def test_a_late_trade_is_hidden_until_its_time_and_then_stands_in_its_place(
    ask: Ask, exchange: Exchange, wallet: str, clock: Clock
) -> None:
    now = clock.now
    late = exchange.make_trade(wallet, created_at=int(now) - 5, visible_at=now + 60)
    older, same_second, newer = (exchange.make_trade(wallet, created_at=int(now) - age) for age in (9, 5, 1))
    exchange.add_trades(wallet, [older, late, same_second, newer])
    assert page_hashes(ask, 1) == [newer.tx_hash, same_second.tx_hash, older.tx_hash]
    clock.advance(60)
    assert page_hashes(ask, 1) == [newer.tx_hash, same_second.tx_hash, late.tx_hash, older.tx_hash]


def test_a_trade_between_two_page_requests_pushes_the_list_down(ask: Ask, exchange: Exchange, wallet: str) -> None:
    trades = [exchange.make_trade(wallet) for _ in range(4)]
    exchange.add_trades(wallet, trades)
    first = page_hashes(ask, 1, limit=2)
    exchange.add_trades(wallet, [exchange.make_trade(wallet)])
    assert page_hashes(ask, 2, limit=2)[0] == first[-1]


def test_the_trades_of_one_market_can_be_asked_for(ask: Ask, exchange: Exchange, wallet: str) -> None:
    first, second = (market["marketId"] for market in exchange.markets()[:2])
    exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=each) for each in (first, second, first)])
    result = ask(f"/trade/user/{wallet}", marketId=first, limit=1).json()["result"]
    assert (result["total"], [trade["marketId"] for trade in result["list"]]) == (2, [first])


def test_an_unknown_wallet_has_no_trades_and_case_does_not_matter(ask: Ask, exchange: Exchange, wallet: str) -> None:
    exchange.add_trades(wallet, [exchange.make_trade(wallet)])
    assert ask(f"/trade/user/0x{'00' * 20}").json()["result"] == {"list": None, "total": 0}
    assert ask(f"/trade/user/0x{'AB' * 20}").json()["result"]["total"] == 1


def test_the_total_can_be_made_to_lie(ask: Ask, exchange: Exchange, wallet: str) -> None:
    exchange.add_trades(wallet, [exchange.make_trade(wallet)])
    exchange.total_override[wallet] = lambda total: total + 41
    assert ask(f"/trade/user/{wallet}").json()["result"]["total"] == 42


def test_the_older_trade_path_answers_a_bare_page(ask: Ask, exchange: Exchange, wallet: str) -> None:
    assert ask(f"/user/{wallet}/trades").json() == {"data": [], "total": 0}
    exchange.add_trades(wallet, [exchange.make_trade(wallet)])
    assert len(ask(f"/user/{wallet}/trades").json()["data"]) == 1


def test_an_unreadable_amount_reaches_the_client_unchanged(ask: Ask, exchange: Exchange, wallet: str) -> None:
    exchange.add_trades(wallet, [exchange.make_trade(wallet, amount=amount) for amount in ("NaN", "much", "Infinity")])
    listed = ask(f"/trade/user/{wallet}").json()["result"]["list"]
    assert [trade["amount"] for trade in listed] == ["Infinity", "much", "NaN"]


def test_history_has_the_asked_number_of_trades_and_reaches_beyond_90_days(exchange: Exchange, clock: Clock) -> None:
    exchange.add_wallet(WALLET, history=600)
    ages = [clock.now - trade.created_at for trade in exchange.visible_trades(WALLET)]
    assert len(ages) == 600
    assert ages == sorted(ages)
    assert ages[0] > 0
    assert 90 * 86_400 < ages[-1] < 121 * 86_400


def test_history_contains_everything_that_makes_trades_hard_to_tell_apart(exchange: Exchange) -> None:
    exchange.add_wallet(WALLET, history=1_000)
    trades = exchange.visible_trades(WALLET)
    assert {trade.side for trade in trades} == {"Buy", "Sell", "Split", "Merge"}
    assert max(Counter(trades).values()) > 1
    by_hash: dict[str, set[SimulatedTrade]] = {}
    for trade in trades:
        by_hash.setdefault(trade.tx_hash, set()).add(trade)
    assert max(len(fills) for fills in by_hash.values()) > 1
    listed = {child["marketId"] for each in exchange.markets() for child in each["childMarkets"] or [each]}
    assert {trade.market_id in listed for trade in trades} == {True, False}


def test_wallets_keep_trading_at_their_rate_and_some_trades_show_late(clock: Clock) -> None:
    exchange = Exchange(seed=2, markets=10, wallets=3, history=0, trades_per_minute=6, clock=clock)
    start = clock.now
    clock.advance(3_600)
    then = {address: Counter(exchange.visible_trades(address)) for address in exchange.wallets}
    assert 3 * 260 < sum(counts.total() for counts in then.values()) < 3 * 460
    clock.advance(240)
    late = [
        trade
        for address in exchange.wallets
        for trade in (Counter(exchange.visible_trades(address)) - then[address])
        if trade.created_at < start + 3_600
    ]
    assert late
    assert all(0 < trade.visible_at - trade.created_at <= 240 for trade in late)


def test_a_closed_market_or_child_is_not_traded_any_more(clock: Clock) -> None:
    exchange = Exchange(seed=4, markets=3, wallets=1, history=0, market_churn_per_minute=0, clock=clock)
    tradable = [child["marketId"] for each in exchange.markets() for child in each["childMarkets"] or [each]]
    for market_id in tradable[1:]:
        exchange.close_market(market_id)
    clock.advance(3_600)
    traded = {trade.market_id for trade in exchange.visible_trades(exchange.wallets[0])}
    assert traded & set(tradable) == {tradable[0]}
