"""`sync positions` against the simulated exchange: what it stores, whom it asks first, and whose failure is whose."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opinionscope.api.answers import Page
from opinionscope.api.client import OpinionClient
from opinionscope.api.models import Position
from opinionscope.api.pacer import Pacer
from opinionscope.errors import OutOfTime
from opinionscope.health.report import Positions, read_status
from opinionscope.jobs.markets.sync import sync_markets
from opinionscope.jobs.positions.sync import WORKERS, sync_positions
from opinionscope.jobs.result import JobResult
from opinionscope.polling.limits import Limits
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer, Fault
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import to_millis_text, to_seconds_text

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Hours:
    """Runs of `sync positions`, an hour apart by their clock, for wallets whose sums a test has put there."""

    def __init__(self, store: Store, server: ExchangeServer) -> None:
        self.store, self.server, self.exchange = store, server, server.exchange
        self.now = NOON
        self.market = self.exchange.open_market("Will it?")

    def track(self, count: int) -> list[str]:
        """Wallets whose history is known; each has bought 10 shares of YES for 5, as the exchange knows."""
        addresses = [f"0x{number:040x}" for number in range(1, count + 1)]
        add_whales(self.store, [(address, None) for address in addresses], "manual", self.now)
        for address in addresses:
            self.exchange.add_wallet(address)
            self.exchange.add_trades(address, [self.exchange.make_trade(address, market_id=self.market)])
            self.sum_up(address, buy_shares=10.0, buy_amount=5.0, trade_count=1)
        self.poll()
        return addresses

    def sum_up(self, address: str, side: int = 1, *, traded: timedelta = timedelta(days=1), **sums: float) -> None:
        columns = {"whale_address": address, "platform": "opinion_trade", "market_external_id": str(self.market)}
        row = columns | {"outcome_side": side, "last_traded_at": to_seconds_text(self.now - traded), "figures_due": 0}
        names = ", ".join(row | sums)
        with self.store.transaction() as transaction:
            transaction.execute(
                f"INSERT OR REPLACE INTO positions ({names}) VALUES ({', '.join('?' * len(row | sums))})",
                tuple((row | sums).values()),
            )

    def poll(self) -> None:
        """All trades are known, up to now."""
        with self.store.transaction() as transaction:
            transaction.execute(
                "UPDATE whales SET api_total = 1, known_trades = 1, history_read_at = added_at, last_synced_at = ?",
                (to_millis_text(self.now),),
            )

    def run(self, seconds: float = 60, *, room: int = 750, workers: int = WORKERS) -> JobResult:
        """One run, which may take so many seconds, and should have room for so many wallets."""
        self.now += HOUR
        self.poll()
        settings = Settings.model_validate(
            {"OPINION_TRADE_API_KEY": "key", "OPINION_TRADE_BASE_URL": self.server.url, "OPINIONSCOPE_RATE_LIMIT": 1000}
            | {"OPINIONSCOPE_MAX_ATTEMPTS": 1}
        )
        deadline = time.monotonic() + seconds
        pacer = Pacer(self.store.path.with_name("pacer"), settings.rate_limit)
        with OpinionClient(settings, pacer, deadline=deadline) as client:
            if seconds > 1:
                sync_markets(client, self.store, now=self.now, deadline=deadline)
            self.server.forget()
            limits = Limits(polls=room, period=60.0, longest_gap=1_800.0)
            result = sync_positions(client, self.store, now=self.now, deadline=deadline, limits=limits, workers=workers)
        pacer.close()
        return result

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        found = self.store.query(f"SELECT {columns} FROM positions ORDER BY whale_address, outcome_side")
        return [tuple(row) for row in found]

    @property
    def status(self) -> Positions:
        return read_status(self.store, self.now, Settings.model_validate({})).positions


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[Hours]:
    exchange = Exchange(markets=3, wallets=0, trades_per_minute=0, market_churn_per_minute=0, clock=NOON.timestamp)
    with ExchangeServer(exchange, rate_limit=None) as server, Store.open(tmp_path / "whales.db") as store:
        store.pragma("synchronous = OFF")
        yield Hours(store, server)


def test_shares_that_agree_bring_their_mark_and_make_figures_due_when_it_changes(hours: Hours) -> None:
    (wallet,) = hours.track(1)
    hours.run()
    (listed,) = hours.exchange.positions(wallet)
    mark = Decimal(listed["currentValueInQuoteToken"]) / 10
    assert hours.rows("api_shares, round(api_value / 10, 9), figures_due, disagrees_since") == [
        (10, float(mark), 1, None)
    ]
    with hours.store.transaction() as transaction:
        transaction.execute("UPDATE positions SET figures_due = 0")
    hours.run()
    assert hours.rows("figures_due, checked_at") == [(0, to_millis_text(hours.now))]
    assert hours.status == Positions(hours.now, 0, 0, 0)


def test_a_transfer_is_shown_as_a_disagreement_after_two_checks_and_never_mended(hours: Hours) -> None:
    wallet, _ = hours.track(2)
    hours.exchange.transfer(wallet, hours.market, 2, Decimal(7))
    hours.exchange.transfer(wallet, hours.market, 1, Decimal(-4))
    hours.run()
    first = hours.now
    assert hours.status.disagreeing == 0
    hours.run()
    assert hours.rows("outcome_side, api_shares, buy_shares, trade_count, disagrees_since")[:2] == [
        (1, 6, 10, 1, to_millis_text(first)),
        (2, 7, 0, 0, to_millis_text(first)),
    ]
    assert hours.status == Positions(hours.now, 1, 2, 0)
    hours.exchange.transfer(wallet, hours.market, 2, Decimal(-7))
    hours.exchange.transfer(wallet, hours.market, 1, Decimal(4))
    hours.run()
    assert hours.rows("api_shares, differs_since, disagrees_since")[:2] == [(10, None, None), (0, None, None)]


def test_what_is_traded_or_not_known_completely_is_not_judged(hours: Hours) -> None:
    wallet, busy = hours.track(2)
    with hours.store.transaction() as transaction:
        transaction.execute("UPDATE whales SET unsummed = 3 WHERE address = ?", (wallet,))
    for _ in range(3):
        hours.sum_up(wallet, buy_shares=99.0, buy_amount=50.0)
        hours.sum_up(busy, buy_shares=99.0, buy_amount=50.0, traded=-HOUR + timedelta(minutes=2))
        hours.run()
    assert hours.rows("api_shares, differs_since") == [(10, None), (10, None)]


def test_what_was_won_and_claimed_is_no_disagreement(hours: Hours) -> None:
    (wallet,) = hours.track(1)
    other = 2
    hours.sum_up(wallet, other, buy_shares=10.0, buy_amount=5.0)
    hours.exchange.transfer(wallet, hours.market, other, Decimal(10))
    hours.run()
    hours.exchange.close_market(hours.market)
    claimed = (NOON + timedelta(days=4)).timestamp()
    hours.exchange.clock = lambda: claimed
    for _ in range(3):
        hours.run()
    shares = dict(hours.rows("outcome_side, api_shares"))
    winner = hours.exchange.winning_side(hours.market)
    assert winner is not None
    assert shares == {winner: 0, 3 - winner: 10}
    assert hours.status.disagreeing == 0


def test_one_wallets_failure_is_its_own_and_noted(hours: Hours) -> None:
    wallets = hours.track(3)
    hours.server.faults.add(Fault("503", path_contains=wallets[1]))
    result = hours.run()
    assert (result.status, result.done_count, result.failed_count) == ("partial", 2, 1)
    assert wallets[1] in (result.error or "")
    errors = hours.store.query("SELECT positions_error FROM whales ORDER BY address")
    assert [row[0] is not None for row in errors] == [False, True, False]
    assert hours.status.with_an_error == 1
    hours.server.faults.clear()
    assert (hours.run().status, hours.status.with_an_error) == ("completed", 0)


@pytest.mark.parametrize("fault", ["nan", "item_not_object", "missing_fields", "wrong_types", "null_list"])
def test_an_answer_that_is_not_a_list_of_positions_costs_no_position_what_is_known_of_it(
    hours: Hours, fault: str
) -> None:
    hours.track(1)
    hours.run()
    before = hours.rows("api_shares, api_value, buy_shares")
    hours.server.faults.add(Fault(fault, path_contains="/positions/"))
    result = hours.run()
    assert (result.failed_count, hours.rows("api_shares, api_value, buy_shares")) == (1, before)
    assert hours.rows("differs_since") == [(None,)]


def test_wallets_that_were_not_reached_are_counted_and_come_first_in_the_next_run(hours: Hours) -> None:
    wallets = hours.track(20)
    first = hours.run(seconds=-1)
    assert (first.status, first.failed_count) == ("failed", 20)
    assert first.error == "20 of 20 wallets were not checked: the time of this run was over"
    with hours.store.transaction() as transaction:
        transaction.execute(
            "UPDATE whales SET positions_checked_at = ? WHERE address <> ?", (to_millis_text(NOON), wallets[13])
        )
    assert hours.run(workers=1).status == "completed"
    assert hours.server.requests[0].path.endswith(wallets[13])


def test_wallets_beyond_the_room_of_a_run_take_turns_and_count_only_after_a_day(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, late = hours.track(7)
    fetch = OpinionClient.fetch_positions

    def fetch_in_time(client: OpinionClient, address: str, page: int) -> Page[Position]:
        if address == late:
            raise OutOfTime("the time of this run was over")
        return fetch(client, address, page)

    monkeypatch.setattr(OpinionClient, "fetch_positions", fetch_in_time)

    assert hours.run(room=7).error == "1 of 7 wallets were not checked: the time of this run was over"
    assert (hours.run(room=6).status, hours.status.with_an_error) == ("completed", 0)
    hours.now += timedelta(hours=24)
    after_a_day = hours.run(room=6)
    assert (after_a_day.status, after_a_day.failed_count, after_a_day.done_count) == ("partial", 1, 6)
    assert after_a_day.error == "1 of 7 wallets were not checked for 24 h: the time of this run was over"
