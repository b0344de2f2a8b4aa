"""Who is read, and how much, when a run cannot read everything: every wallet has its turn, and none takes all."""

import gc
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opinionscope.api.answers import Page
from opinionscope.api.client import PAGE_SIZE, OpinionClient
from opinionscope.api.models import Trade
from opinionscope.api.pacer import Pacer
from opinionscope.errors import OutOfTime
from opinionscope.jobs.result import ReportProgress, no_progress
from opinionscope.jobs.whales.sync import sync_whales
from opinionscope.polling.limits import Limits
from opinionscope.polling.trade_rate import TradeRate
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.rules import insert_rule
from opinionscope.store.whale_tags import add_tag
from opinionscope.store.whales import Whale, add_whales, find_whale

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
LONG_AGO = int(NOON.timestamp()) - 40 * 86_400


class ShortOfTime(OpinionClient):
    """The real client in a run whose time ends after a certain number of requests."""

    requests_left = 10**9
    _counting = threading.Lock()

    def fetch_trades(self, address: str, page: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        self._count()
        return super().fetch_trades(address, page, limit)

    def fetch_newest_trades(self, address: str, known: bytes | None) -> Page[Trade] | None:
        self._count()
        return super().fetch_newest_trades(address, known)

    def _count(self) -> None:
        with self._counting:
            self.requests_left -= 1
            if self.requests_left < 0:
                raise OutOfTime("the time is over")


class Minutes:
    """Runs of `sync whales`, a minute apart by their clock, against a real server and a real database."""

    def __init__(self, store: Store, server: ExchangeServer) -> None:
        self.store = store
        self.server = server
        self.exchange = server.exchange
        self.now = NOON
        self.limits = Limits(polls=1_000, period=60, longest_gap=1_800)
        self.progress: ReportProgress = no_progress

    def track(self, count: int, trades: int = 5, prefix: str = "a") -> list[str]:
        """Wallets whose trades are all long past, tracked."""
        addresses = [f"0x{prefix * 8}{number:032x}" for number in range(count)]
        for address in addresses:
            self.exchange.add_wallet(address)
            self.trade(address, trades, LONG_AGO)
        add_whales(self.store, [(address, None) for address in addresses], "manual", self.now)
        return addresses

    def trade(self, address: str, count: int, first_second: int) -> None:
        seconds = range(first_second, first_second + count)
        made = [self.exchange.make_trade(address, created_at=second, visible_at=0) for second in seconds]
        self.exchange.add_trades(address, made)

    def run(self, requests: int = 10**9) -> "Counter[str]":
        """One run; how many requests each wallet had."""
        self.now += timedelta(minutes=1)
        self.server.forget()
        settings = Settings.model_validate(
            {"OPINION_TRADE_API_KEY": "key", "OPINION_TRADE_BASE_URL": self.server.url, "OPINIONSCOPE_RATE_LIMIT": 1000}
        )
        deadline = time.monotonic() + 60
        pacer = Pacer(self.store.path.with_name("pacer"), settings.rate_limit)
        with ShortOfTime(settings, pacer, deadline=deadline) as client:
            client.requests_left = requests
            self.result = sync_whales(
                client,
                self.store,
                now=self.now,
                retention=timedelta(days=90),
                deadline=deadline,
                limits=self.limits,
                progress=self.progress,
            )
        pacer.close()
        return Counter(request.path.rpartition("/")[2] for request in self.server.requests)

    def whale(self, address: str) -> Whale:
        whale = find_whale(self.store, address)
        assert whale is not None
        return whale


@pytest.fixture
def minutes(tmp_path: Path) -> Iterator[Minutes]:
    exchange = Exchange(markets=5, wallets=0, trades_per_minute=0, market_churn_per_minute=0, clock=NOON.timestamp)
    with ExchangeServer(exchange, rate_limit=None) as server, Store.open(tmp_path / "whales.db") as store:
        store.pragma("synchronous = OFF")
        yield Minutes(store, server)


def test_a_complete_wallet_costs_one_request_a_run(minutes: Minutes) -> None:
    wallets = minutes.track(3, trades=50)
    minutes.run()
    assert minutes.run() == dict.fromkeys(wallets, 1)
    minutes.trade(wallets[0], 19, int(NOON.timestamp()))
    assert minutes.run() == dict.fromkeys(wallets, 1)


def test_a_run_keeps_no_trades_in_memory_of_the_wallets_that_have_had_their_turn(minutes: Minutes) -> None:
    minutes.track(20, trades=30)
    gc.collect()
    before, in_memory = trades_in_memory(), list[int]()
    minutes.progress = lambda *_: in_memory.append(trades_in_memory())
    minutes.run()
    assert len(in_memory) == 20
    assert in_memory[-1] <= before, "all have been polled"


def trades_in_memory() -> int:
    return sum(isinstance(each, Trade) for each in gc.get_objects())


def test_wallets_take_turns_where_a_run_cannot_reach_them_all(minutes: Minutes) -> None:
    wallets = minutes.track(50)
    first_three = sum((minutes.run(requests=20) for _ in range(3)), Counter[str]())
    assert set(first_three) == set(wallets)
    polls = sum((minutes.run(requests=20) for _ in range(25)), Counter[str]())
    assert all(7 <= polls[wallet] <= 13 for wallet in wallets), polls


def test_a_run_that_reached_only_some_of_the_wallets_says_how_many_are_left_and_why(minutes: Minutes) -> None:
    minutes.track(50)
    ends = list[tuple[str, str | None]]()
    for requests in (20, 10**9):
        minutes.run(requests=requests)
        ends.append((minutes.result.status, minutes.result.error))
    assert ends == [
        ("partial", "30 of 50 wallets were not polled: the time of this run was over"),
        ("completed", None),
    ]


def test_a_run_with_room_for_some_is_complete_until_a_wallet_has_waited_for_the_longest_gap(minutes: Minutes) -> None:
    minutes.track(50)
    minutes.limits = Limits(polls=20, period=60, longest_gap=600)
    for _ in range(12):
        assert sum(minutes.run(requests=20).values()) == 20
        assert (minutes.result.status, minutes.result.error) == ("completed", None)
    for _ in range(9):
        minutes.run(requests=2)
    assert minutes.result.status == "partial"
    assert minutes.result.error is not None
    assert re.fullmatch(
        r"\d+ of 50 wallets were not polled for 10 min: the time of this run was over", minutes.result.error
    )


def test_the_rate_of_trading_is_stored_with_the_trades_it_counts(minutes: Minutes) -> None:
    (wallet,) = minutes.track(1)
    for pause in (0, 1, 3):
        minutes.now += timedelta(minutes=pause)
        minutes.trade(wallet, 3, int(minutes.now.timestamp()))
        minutes.run()
    stored = minutes.store.query("SELECT CAST(strftime('%s', timestamp) AS INTEGER) FROM whale_activity")
    (rate,) = minutes.store.query(
        "SELECT usual_trades, daytime_trades, recent_trades, counted_from, counted_until FROM whales"
    )
    assert tuple(rate) == pytest.approx(TradeRate().with_trades(Counter(row[0] for row in stored)))


def test_a_wallet_that_a_rule_names_by_its_address_or_a_tag_is_polled_more_often(minutes: Minutes) -> None:
    wallets = minutes.track(40)
    minutes.limits = Limits(polls=10, period=60, longest_gap=1_800)
    add_tag(minutes.store, [wallets[1]], "smart")
    with minutes.store.transaction() as transaction:
        for name, filters in (("one", {"whales": wallets[:1]}), ("tagged", {"tags": ["smart"]}), ("all", {})):
            insert_rule(
                transaction,
                name=name,
                filters=json.dumps(filters),
                targets="[]",
                cooldown=timedelta(0),
                digest_at=None,
                now=NOON,
            )
    polls = sum((minutes.run(requests=10) for _ in range(24)), Counter[str]())
    assert min(polls[wallets[0]], polls[wallets[1]]) >= 1.5 * max(polls[wallet] for wallet in wallets[2:])


def test_a_wallet_that_wakes_up_is_polled_each_minute_from_its_second_poll_on(minutes: Minutes) -> None:
    minutes.track(60)
    (whale,) = minutes.track(1, prefix="b")
    minutes.limits = Limits(polls=6, period=60, longest_gap=1_800)
    for _ in range(25):
        minutes.run(requests=6)
    polls = list[int]()
    while sum(polls) < 12:
        minutes.trade(whale, 1, int(minutes.now.timestamp()))
        polls.append(minutes.run(requests=6)[whale])
    first = polls.index(1)
    assert sum(polls[first + 1 : first + 3]) >= 1
    assert sum(polls[first + 3 :]) >= 0.8 * len(polls[first + 3 :])


def test_wallets_that_trade_are_polled_more_often_and_those_that_sleep_still_have_their_turn(minutes: Minutes) -> None:
    sleeping, trading = minutes.track(35), minutes.track(5, prefix="b")
    polls = Counter[str]()
    for number in range(30):
        for wallet in trading:
            minutes.trade(wallet, 1, int(minutes.now.timestamp()))
        polls += minutes.run(requests=15) if number >= 6 else Counter[str]()
    assert min(polls[wallet] for wallet in trading) > 1.4 * polls.total() / len(sleeping + trading)
    assert min(polls[wallet] for wallet in sleeping) >= 5


def test_a_long_history_is_read_on_although_the_polls_alone_would_fill_every_run(minutes: Minutes) -> None:
    others, (whale,) = minutes.track(300), minutes.track(1, trades=600, prefix="b")
    polls = Counter[str]()
    runs = 0
    while minutes.whale(whale).history_read_at is None:
        polls += minutes.run(requests=120)
        runs += 1
        assert runs < 15
    assert minutes.whale(whale).known_trades == 600
    assert polls[whale] < 0.3 * polls.total(), "the others have most of each run"
    assert not set(others) - set(polls)


def test_long_histories_share_what_the_polls_leave(minutes: Minutes) -> None:
    minutes.track(200)
    whales = minutes.track(3, trades=1_500, prefix="b")
    for _ in range(9):
        minutes.run(requests=100)
    known = [minutes.whale(whale).known_trades for whale in whales]
    assert min(known) > 0.3 * max(known) > 100, known


@pytest.mark.parametrize("lie", [1, -1, 10**9])
def test_a_total_that_is_wrong_for_good_takes_little_and_less_and_less(minutes: Minutes, lie: int) -> None:
    others, (whale,) = minutes.track(2), minutes.track(1, trades=1_000, prefix="b")
    minutes.exchange.total_override[whale] = lambda total: total + lie
    first_hour = [minutes.run() for _ in range(60)]
    second_hour = [minutes.run() for _ in range(60)]
    assert all(run[wallet] == 1 for run in first_hour + second_hour for wallet in others)
    assert max(run[whale] for run in first_hour) <= 120
    assert sum(run[whale] for run in first_hour) < 60 + 500
    assert sum(run[whale] for run in second_hour) < 60 + 160
    assert minutes.whale(whale).known_trades == 1_000
