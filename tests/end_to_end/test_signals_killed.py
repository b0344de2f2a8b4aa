"""The real job is killed at moments drawn by chance, while it reads and while it tells: nothing is lost or doubled."""

import json
import random
import signal
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

from opinionscope.signals.rule_book import NewRule, add_rule
from opinionscope.signals.rules import Filters
from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import CommandLine, Trading
from tests.end_to_end.test_kills import integrity, wait
from tests.rounds import rounds

KILLS = rounds(4)
Order = tuple[str, str, int, float]


def trade(exchange: Exchange, number: int) -> Counter[Order]:
    """A new order of each wallet, of one to three fills, in a market of its own; what they are."""
    orders = Counter[Order]()
    markets = [market["marketId"] for market in exchange.markets() if not market["childMarkets"]]
    for position, wallet in enumerate(exchange.wallets):
        market = markets[(3 * number + position) % len(markets)]
        fills, amount = 1 + (number + position) % 3, 100.0 + number
        made = exchange.make_trade(wallet, market_id=market, amount=f"{amount:.6f}", shares="200.000")
        exchange.add_trades(wallet, [made] * fills)
        orders[wallet, str(market), fills, amount * fills] += 1
    return orders


def told_by(receiver: Receiver) -> list[str]:
    """The messages that arrived, without the moment and the number in their last line."""
    return [f"{request.title}\n{request.message}" for request in receiver.received]


def test_runs_that_are_killed_anywhere_lose_and_double_no_signal(
    command: CommandLine, trading: Trading, tmp_path: Path
) -> None:
    # A market for each order: two of one market within a minute would be one order.
    exchange = Exchange(
        seed=29, markets=max(120, 12 * KILLS), wallets=3, history=40, trades_per_minute=0, market_churn_per_minute=0
    )
    trading(exchange)
    program, told = tmp_path / "teller", tmp_path / "told.jsonl"
    program.write_text(f"#!/bin/sh\ncat >> {told}\n")
    program.chmod(0o700)
    with receiving() as receiver:
        command.settings |= {
            "OPINIONSCOPE_ALERT_URLS": receiver.alert_url,
            "OPINIONSCOPE_ALERT_AFTER": "1000",
            "OPINIONSCOPE_TARGET_PROGRAM": f"exec:{program}",
        }
        with Store.open(command.database) as store:
            add_whales(store, [(wallet, None) for wallet in exchange.wallets], "manual", utc_now())
        assert command("sync", "whales").returncode == 0
        with Store.open(command.database) as store:
            for name, least, target in (("all", 0.0, "alerts"), ("big", 300.0, "alerts"), ("program", 0.0, "program")):
                new = NewRule(name, Filters(min_amount=least), (target,), timedelta(0), None)
                add_rule(store, new, utc_now())
        chance, orders = random.Random(KILLS), Counter[Order]()
        for number in range(KILLS):
            orders += trade(exchange, number)
            run = command.start("sync", "whales")
            wait(run, chance.uniform(0.5, 3.5))
            run.send_signal(signal.SIGKILL)
            run.communicate(timeout=5)
            assert integrity(command) == "ok"
            if number % 4 == 3:  # before more than fifteen wait, which would be told in one
                assert command("sync", "whales").returncode == 0
        assert command("sync", "whales").returncode == 0
        assert command.query("SELECT count(*) FROM signal_deliveries WHERE state = 'pending'") == [(0,)]
        documents = [json.loads(line) for line in told.read_text().splitlines()]
        messages = told_by(receiver)
    every = sum(orders.values())
    assert_each_was_told(documents, orders, at_most_doubled=KILLS)
    big = sum(number for order, number in orders.items() if order[3] >= 300)
    told_ids = Counter(message.split()[-1].strip("()") for message in messages)
    by_itself, in_one = (
        {
            row[0]
            for row in command.query(f"SELECT uid FROM signals WHERE kind = 'order' AND rule <> 'program' AND {how}")
        }
        for how in ("state = 'sent'", "state = 'suppressed' AND told_in IS NOT NULL")
    )
    assert len(by_itself) + len(in_one) == every + big, "on a busy machine more than fifteen may wait, and come in one"
    summaries = {row[0] for row in command.query("SELECT uid FROM signals WHERE kind = 'summary'")}
    assert told_ids.keys() == by_itself | summaries
    assert told_ids.total() - len(told_ids) <= KILLS, "a doubled message has the same id"


def assert_each_was_told(documents: list[dict[str, object]], orders: Counter[Order], *, at_most_doubled: int) -> None:
    """Each order has one signal, told once; only those under way when a run was killed may have come twice."""
    ids: dict[Order, set[object]] = defaultdict(set)
    for document in documents:
        whale, market, order = (document[name] for name in ("whale", "market", "order"))
        assert isinstance(whale, dict)
        assert isinstance(market, dict)
        assert isinstance(order, dict)
        ids[whale["address"], market["id"], order["fills"], order["amount"]].add(document["id"])
    assert ids.keys() == orders.keys()
    assert all(len(ids[order]) == number for order, number in orders.items())
    assert len(documents) - sum(orders.values()) <= at_most_doubled
