"""The books of the simulated traders: they trade what they have, and everything the API says of them follows."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from opinionscope.simulator import Exchange, SimulatedTrade
from opinionscope.simulator.ledger import Ledger

from .conftest import Ask, Clock


@pytest.fixture
def trading(clock: Clock) -> Exchange:
    """An exchange with a long history whose markets open, close and are settled."""
    exchange = Exchange(
        seed=23, markets=40, wallets=3, history=1_500, market_churn_per_minute=1, unfilled_share=0.01, clock=clock
    )
    clock.advance(4 * 3_600)
    exchange.markets()
    return exchange


def trades_of(exchange: Exchange, clock: Clock) -> dict[str, list[SimulatedTrade]]:
    """Every trade of every wallet, oldest first, once the late ones show."""
    clock.advance(300)
    return {address: exchange.visible_trades(address)[::-1] for address in exchange.wallets}


def test_no_wallet_ever_sells_or_merges_what_it_does_not_hold(trading: Exchange, clock: Clock) -> None:
    sides = set()
    for trades in trades_of(trading, clock).values():
        ledger = Ledger()
        for trade in trades:
            ledger.apply(trade)
            sides.add(trade.side)
            assert all(ledger[trade.market_id, outcome].shares >= 0 for outcome in (1, 2)), trade
    assert sides == {"Buy", "Sell", "Split", "Merge"}


def test_the_fee_of_a_buy_is_inside_its_amount(trading: Exchange, clock: Clock) -> None:
    for trades in trades_of(trading, clock).values():
        for trade in trades:
            price, shares, fee = Decimal(trade.price), Decimal(trade.shares), Decimal(trade.fee)
            if trade.side == "Buy":
                assert price * shares + fee == Decimal(trade.amount)
            elif trade.side == "Sell":
                assert price * shares - fee == Decimal(trade.amount)
            else:
                assert shares in (0, Decimal(trade.amount))


def test_some_trades_were_not_filled_and_some_splits_and_merges_have_no_shares(trading: Exchange, clock: Clock) -> None:
    trades = [trade for each in trades_of(trading, clock).values() for trade in each]
    assert {trade.status for trade in trades} == {2, 3, 5, 6}
    assert 0 < sum(not trade.is_filled for trade in trades) < len(trades) / 40
    assert {Decimal(trade.shares) == 0 for trade in trades if trade.side == "Split"} == {True, False}
    assert {Decimal(trade.shares) == 0 for trade in trades if trade.side == "Merge"} == {True, False}


def test_the_profit_of_sells_and_merges_is_what_came_in_beyond_the_average_cost(
    trading: Exchange, clock: Clock
) -> None:
    for trades in trades_of(trading, clock).values():
        ledger = Ledger()
        for trade in trades:
            if trade.side in ("Sell", "Merge") and trade.is_filled:
                tokens = Decimal(trade.tokens)
                outcomes = (1, 2) if trade.side == "Merge" else (trade.outcome_side,)
                cost = sum(ledger[trade.market_id, outcome].cost_of(tokens) for outcome in outcomes)
                assert abs(Decimal(trade.profit) - (Decimal(trade.amount) - cost)) < Decimal("1e-12")
            else:
                assert Decimal(trade.profit) == 0
            ledger.apply(trade)


def test_no_market_is_traded_before_it_opens_or_after_it_resolves(trading: Exchange, clock: Clock) -> None:
    resolved = {
        each["marketId"]: each["resolvedAt"]
        for market in trading.markets("")
        for each in market["childMarkets"] or [market]
        if each["resolvedAt"]
    }
    for trades in trades_of(trading, clock).values():
        assert all(trade.created_at <= resolved.get(trade.market_id, trade.created_at) for trade in trades)


def test_markets_resolve_fail_and_vanish_while_wallets_still_hold_them(trading: Exchange) -> None:
    held = {market_id for address in trading.wallets for market_id, _ in trading.holdings(address)}
    assert {trading.market_status(market_id) for market_id in held} >= {2, 4, 5, 6}
    outcomes = {trading.winning_side(key[0]) == key[1] for key in trading.holdings(trading.wallets[0])}
    assert outcomes == {True, False}


def test_the_positions_of_a_wallet_are_its_holdings(ask: Ask, exchange: Exchange) -> None:
    address = exchange.wallets[0]
    listed: list[dict[str, Any]] = []
    for page in range(1, 9):
        result = ask(f"/positions/user/{address}", page=page, limit=20).json()["result"]
        listed += result["list"] or []
    assert result["total"] == len(listed) > 10
    holdings = exchange.holdings(address)
    for position in listed:
        holding = holdings[position["marketId"], position["outcomeSide"]]
        assert Decimal(position["sharesOwned"]) == holding.shares
        paid = Decimal(position["avgEntryPrice"]) * holding.shares
        assert abs(paid - holding.cost) < Decimal("0.000001")
        gain = Decimal(position["currentValueInQuoteToken"]) - holding.cost
        assert abs(Decimal(position["unrealizedPnl"]) - gain) < Decimal("0.000001")
    left_out = holdings.keys() - {(position["marketId"], position["outcomeSide"]) for position in listed}
    assert all(exchange.winning_side(key[0]) == key[1] or exchange.market_status(key[0]) == 6 for key in left_out)


def test_a_won_position_waits_for_its_claim_and_then_leaves_the_list(
    ask: Ask, exchange: Exchange, clock: Clock
) -> None:
    wallet = "0x" + "cd" * 20
    exchange.add_wallet(wallet)
    number = next(market["marketId"] for market in exchange.markets() if market["marketType"] == 0)
    trades = [exchange.make_trade(wallet, market_id=number, outcome_side=side) for side in (1, 2)]
    exchange.add_trades(wallet, trades)
    exchange.close_market(number)

    won, lost = sorted(
        ask(f"/positions/user/{wallet}", marketId=number).json()["result"]["list"],
        key=lambda position: position["claimStatus"],
        reverse=True,
    )
    assert won["outcomeSide"] == exchange.winning_side(number)
    assert (won["claimStatusEnum"], lost["claimStatusEnum"]) == ("WaitClaim", "CanNotClaim")
    assert [Decimal(each["currentValueInQuoteToken"]) for each in (won, lost)] == [10, 0]

    clock.advance(4 * 86_400)
    (left,) = ask(f"/positions/user/{wallet}").json()["result"]["list"]
    assert left["outcomeSide"] == lost["outcomeSide"]


@pytest.mark.parametrize("data_type", ["volume", "profit", "points"])
@pytest.mark.parametrize("period", [0, 1, 7, 30])
def test_the_leaderboard_ranks_the_wallets_by_their_trades(
    ask: Ask, exchange: Exchange, data_type: str, period: int
) -> None:
    path = "/../api/bsc/api/v2/leaderboard"
    result = ask(path, dataType=data_type, period=period, limit=100, chainId=56).json()
    assert (result["errno"], result["errmsg"]) == (0, "")
    ranked = result["result"]["list"]
    assert {each["walletAddress"] for each in ranked} == set(exchange.wallets)
    assert all(Decimal(above["rankingValue"]) >= Decimal(below["rankingValue"]) for above, below in pairwise(ranked))


def test_the_leaderboard_refuses_an_unknown_ranking(ask: Ask) -> None:
    assert ask("/../api/bsc/api/v2/leaderboard", dataType="luck").json()["errno"] == 10000
