"""The exchange with a past: what its wallets have behind them, and how the books of it agree."""

from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from opinionscope.simulator import Exchange
from opinionscope.simulator.ledger import Ledger
from opinionscope.simulator.scenarios import CAST, several_months
from opinionscope.simulator.simulated_market import DELETED, FAILED, RESOLVED
from tests.end_to_end.record_truth import TruePosition, true_farming_share, true_positions, true_record

NOON = 1_790_000_000.0
BETTORS = ("Sharp", "Punter", "Bettor")
FARMERS = ("Washer", "RoundTripper")


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return several_months(trades_per_minute=0, market_churn_per_minute=0, clock=lambda: NOON)


@pytest.fixture(scope="module")
def wallets(exchange: Exchange) -> dict[str, str]:
    """The addresses, by character."""
    return {kind.__name__: address for kind, address in zip(CAST, exchange.wallets, strict=True)}


@pytest.fixture(scope="module")
def positions(exchange: Exchange, wallets: dict[str, str]) -> dict[str, list[TruePosition]]:
    return {
        name: list(true_positions(exchange, exchange.visible_trades(address)).values())
        for name, address in wallets.items()
    }


def test_the_same_seed_and_clock_make_the_same_past(exchange: Exchange) -> None:
    again = several_months(trades_per_minute=0, market_churn_per_minute=0, clock=lambda: NOON)
    assert [again.visible_trades(each) for each in again.wallets] == [
        exchange.visible_trades(each) for each in exchange.wallets
    ]


def test_the_bettors_have_records_of_all_kinds(positions: dict[str, list[TruePosition]]) -> None:
    statuses = {each.market.status for held in positions.values() for each in held}
    assert {RESOLVED, FAILED, DELETED} <= statuses
    profits = []
    for name in BETTORS:
        record = true_record({(each.market.id, each.side): each for each in positions[name]}, {})
        assert record.decided >= 30
        assert 0 < record.won < record.decided
        states = Counter(each.state for each in positions[name])
        assert min(states[state] for state in ("open", "exited", "won", "lost")) > 0
        profits.append(record.net_profit)
    assert profits[0] > 0 > profits[1]
    held = [each for name in BETTORS for each in positions[name]]
    assert any(each.state == "void" for each in held)
    assert any(each.unexplained_shares for each in held)
    assert any(each.split and each.sold and not each.merged for each in held)


def test_weekly_topics_are_traded_option_by_option(positions: dict[str, list[TruePosition]]) -> None:
    weeks: defaultdict[str, set[int]] = defaultdict(set)
    for held in positions.values():
        for each in held:
            if each.market.kind == "child" and "in the week to" in each.market.root.title:
                weeks[each.market.root.title].add(each.market.id)
    assert len(weeks) > 10
    assert max(map(len, weeks.values())) > 2


def test_only_the_farmers_trade_like_farmers(exchange: Exchange, wallets: dict[str, str]) -> None:
    for name, address in wallets.items():
        trades = exchange.visible_trades(address)
        recent = sum(Decimal(each.amount) for each in trades if each.created_at >= NOON - 30 * 86_400)
        share = true_farming_share(trades, NOON)
        assert share is not None
        assert recent > 10_000
        assert (share >= 0.8) == (name in FARMERS), name


def test_what_a_wallet_holds_is_what_it_traded_and_what_came_or_went_without_a_trade(
    exchange: Exchange, wallets: dict[str, str]
) -> None:
    for name, address in wallets.items():
        held, traded = exchange.holdings(address), Ledger(exchange.visible_trades(address)[::-1])
        assert all(holding.shares > 0 for holding in held.values())
        moved = {key for key, holding in held.items() if traded[key].shares != holding.shares}
        assert bool(moved) == (name in BETTORS)
        listed = {(each["marketId"], each["outcomeSide"]): each["sharesOwned"] for each in exchange.positions(address)}
        assert all(Decimal(shares) == held[key].shares for key, shares in listed.items())


def test_a_transfer_moves_shares_and_shows_in_no_list_of_trades(exchange: Exchange) -> None:
    wallet = "0x" + "ef" * 20
    exchange.add_wallet(wallet)
    market = exchange.open_market("Will it?")
    exchange.transfer(wallet, market, 2, Decimal(12))
    exchange.transfer(wallet, market, 2, Decimal(-5))
    (position,) = exchange.positions(wallet)
    assert (position["marketId"], position["outcomeSide"], position["sharesOwned"]) == (market, 2, "7")
    assert exchange.visible_trades(wallet) == []
