"""What rules cost a run, and a day of trading whose signals are compared with an independent computation."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any

from opinionscope.api.answers import Page, read_page, read_result
from opinionscope.api.client import PAGE_SIZE
from opinionscope.api.models import Trade
from opinionscope.jobs.whales.history import History
from opinionscope.signals.folding import MOST_MESSAGES, fold_excess
from opinionscope.signals.replay import Replay
from opinionscope.signals.rule_book import NewRule, add_rule
from opinionscope.signals.rules import Filters
from opinionscope.signals.watch import Watch
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.rules import find_rules
from opinionscope.store.signal_deliveries import note_all_sent
from opinionscope.store.signals import StoredSignal, find_signals
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.benchmarks.harness import Comparison, alternate, opinionscope, scratch_folder
from tests.benchmarks.polling import settings_for, still_exchange, track
from tests.signals.expected import Deal, RuleBook, told_summary

TARGET = "teller"
_AMOUNTS = (0.0, 50.0, 200.0, 1_000.0, 5_000.0)
_CHANGES: tuple[tuple[str, ...], ...] = ((), ("NEW",), ("ADD", "FLIP"), ("REDUCE", "EXIT"), ("EXIT",))
_COOLDOWNS = (timedelta(0), timedelta(minutes=30))


def fifty_rules() -> dict[str, tuple[Filters, timedelta]]:
    """Rules of every kind: each least amount with each change, with and without a cooldown."""
    grid = product(_AMOUNTS, _CHANGES, _COOLDOWNS)
    return {
        f"rule-{number}": (Filters(min_amount=amount or None, changes=changes), cooldown)
        for number, (amount, changes, cooldown) in enumerate(grid)
    }


def signals_cost(wallets: int = 150, matching: int = 2, limit: float = 15) -> Iterator[str | Comparison]:
    """A run in which every wallet has a new order, with 50 rules and with none; and one with nothing new.

    At the documented rate limit. `matching` of the rules match every order, and their messages go to a program that
    does nothing.
    """
    exchange = still_exchange(wallets, history=20)
    with scratch_folder() as folder, ExchangeServer(exchange, rate_limit=None) as server:
        databases = {number: folder / f"{number}-rules.db" for number in (50, 0)}
        program = {"OPINIONSCOPE_TARGET_TELLER": "exec:/bin/true"}
        for number, database in databases.items():
            track(exchange, database)
            opinionscope("sync", "whales", settings=settings_for(server, database, 1000))
            with Store.open(database) as store:
                for rule in range(number):
                    filters = Filters(min_amount=1.0 if rule < matching else 1e9 + rule)
                    add_rule(store, NewRule(f"rule-{rule}", filters, (TARGET,), timedelta(0), None), utc_now())

        def run(number: int, *, trades: int) -> float:
            if trades:
                for wallet in exchange.wallets:
                    exchange.add_trades(wallet, [exchange.make_trade(wallet) for _ in range(trades)])
            else:
                opinionscope("sync", "whales", settings=settings_for(server, databases[number], limit) | program)
            return opinionscope(
                "sync", "whales", settings=settings_for(server, databases[number], limit) | program
            ).wall

        for name, trades, goal in (("with new trades", 3, 1.2), ("with nothing new", 0, 1.05)):
            ours, theirs = alternate(partial(run, 50, trades=trades), partial(run, 0, trades=trades), 3)
            yield Comparison(f"a run of {wallets} wallets {name}, 50 rules", "without rules", ours, theirs, goal)
        yield from _cost_in_the_transaction(folder, wallets, matching)


def _cost_in_the_transaction(folder: Path, wallets: int, matching: int) -> Iterator[str | Comparison]:
    """The same without start-up, requests and deliveries: reading the wallets' pages into the database."""
    exchange = still_exchange(wallets, history=20)
    costs: dict[int, list[float]] = {0: [], 50: []}
    for attempt in range(5):
        for number in (50, 0):
            with Store.open(folder / f"inside-{attempt}-{number}.db") as store:
                day = Day(store, exchange)
                day.track()
                day.read(utc_now())
                for rule in range(number):
                    filters = Filters(min_amount=1.0 if rule < matching else 1e9 + rule)
                    add_rule(store, NewRule(f"rule-{rule}", filters, (TARGET,), timedelta(0), None), utc_now())
                for wallet in exchange.wallets:
                    exchange.add_trades(wallet, [exchange.make_trade(wallet) for _ in range(3)])
                begin = time.perf_counter()
                day.read(utc_now())
                costs[number].append(time.perf_counter() - begin)
    more = statistics.median(costs[50]) - statistics.median(costs[0])
    yield Comparison(
        f"reading and storing the orders of {wallets} wallets, 50 rules", "without rules", costs[50], costs[0]
    )
    yield f"that is {more / wallets * 1000:.2f} ms an order more, with {matching} signals for each"


class Day:
    """Wallets of a simulated exchange that are followed in this process, at moments of its clock."""

    def __init__(self, store: Store, exchange: Exchange) -> None:
        self.store = store
        self.exchange = exchange

    def track(self) -> None:
        """Follow all wallets."""
        long_ago = datetime.fromtimestamp(self.exchange.clock() - 60, UTC)
        add_whales(self.store, [(wallet, None) for wallet in self.exchange.wallets], "manual", long_ago)

    def read(self, now: datetime) -> None:
        """One run, without telling anybody."""
        with self.store.snapshot() as transaction:
            watch = Watch.begin(self.store, transaction, lambda _: [TARGET], now)
        for wallet in find_wallets(self.store):
            history = History(
                self.store,
                wallet,
                partial(self._fetch_newest, wallet.address),
                partial(self._fetch, wallet.address),
                now,
                lambda: now - timedelta(days=10_000),
                watch.saw,
            )
            history.poll()
            while history.unfinished:
                history.deepen(10)
            if history.problems:
                raise RuntimeError(f"{wallet.address}: {history.problems}")

    def tell(self, now: datetime) -> Counter[str]:
        """Have a target accept all that is pending; how many messages each rule sent."""
        with self.store.transaction() as transaction:
            fold_excess(transaction, TARGET, now)
            pending = "SELECT rule FROM signals WHERE state = 'pending'"
            sent = Counter(row[0] for row in transaction.execute(pending).fetchall())
            note_all_sent(transaction, now)
        return sent

    def _body(self, address: str, number: int, limit: int) -> bytes:
        items, total = self.exchange.trade_page(address, number, limit)
        return b'{"errno":0,"result":{"total":%d,"list":[%s]}}' % (total, b",".join(items))

    def _fetch(self, address: str, number: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        return read_page(read_result(self._body(address, number, limit)), Trade)

    def _fetch_newest(self, address: str, known: bytes | None) -> Page[Trade] | None:
        body = self._body(address, 1, PAGE_SIZE)
        digest = blake2b(body, digest_size=16).digest()
        return None if digest == known else read_page(read_result(body), Trade, digest)


def signals_day(wallets: int = 250, minutes: int = 1_440, trades_per_minute: float = 0.1) -> Iterator[str]:
    """A day of trading and 50 rules: what is told against an independent computation, and against a replay."""
    moment = [1_780_000_000.0]
    exchange = Exchange(
        seed=5,
        markets=300,
        wallets=wallets,
        history=10,
        trades_per_minute=trades_per_minute,
        clock=lambda: moment[0],
        market_churn_per_minute=0,
    )
    begin = time.perf_counter()
    with scratch_folder() as folder, Store.open(folder / "day.db") as store:
        store.pragma("synchronous = OFF")
        day = Day(store, exchange)
        day.track()
        now = datetime.fromtimestamp(moment[0], UTC)
        day.read(now)
        for name, (filters, cooldown) in fifty_rules().items():
            add_rule(store, NewRule(name, filters, (TARGET,), cooldown, None), now)
        expected, most, newest = Counter[Any](), 0, int(store.value("SELECT max(id) FROM whale_activity"))
        book = RuleBook({name: _predicate(*rule) for name, rule in fifty_rules().items()}, int(moment[0]))
        book.run(0, _deals(store, 0))
        for _ in range(minutes):
            moment[0] += 60
            run = datetime.fromtimestamp(moment[0], UTC)
            day.read(run)
            most = max([most, *day.tell(run).values()])
            new = _deals(store, newest)
            newest = max([newest, *(deal.serial for deal in new)])
            expected.update((rule, order.summary) for rule, order in book.run(moment[0], new))
        told = _told(list(find_signals(store, limit=10_000_000)))
        yield (
            f"{wallets} wallets, {minutes:,} runs, {newest:,} trades, 50 rules: {sum(told.values()):,} orders told, "
            f"{sum((expected - told).values())} lost, {sum((told - expected).values())} too many or wrong, "
            f"at most {most} messages a rule and run (allowed {MOST_MESSAGES + 1}); {time.perf_counter() - begin:.0f} s"
        )
        begin = time.perf_counter()
        replayed = _told(Replay(store, find_rules(store), now, datetime.fromtimestamp(moment[0], UTC)).signals())
        yield (
            f"a replay of that day: {sum((told - replayed).values())} fewer and {sum((replayed - told).values())} more "
            f"orders told, {time.perf_counter() - begin:.0f} s"
        )


def _predicate(filters: Filters, cooldown: timedelta) -> Any:
    least = filters.min_amount or 0.0

    def matches(order: Any) -> bool:
        return round(order.amount, 8) >= least and (not filters.changes or order.change in filters.changes)

    return matches, cooldown.total_seconds()


def _deals(store: Store, after: int) -> list[Deal]:
    rows = store.query(
        "SELECT id, whale_address, market_external_id, outcome_side, action, "
        "CAST(strftime('%s', timestamp) AS INTEGER), shares, amount, ifnull(fee, 0) FROM whale_activity WHERE id > ?",
        (after,),
    )
    return [Deal(*row) for row in rows]


def _told(signals: list[StoredSignal]) -> Counter[Any]:
    """The orders that were told, one by one or in a summary."""
    return Counter(
        (signal.rule, told_summary(signal.told))
        for signal in signals
        if signal.kind == "order" and (signal.state == "sent" or signal.told_in is not None)
    )
