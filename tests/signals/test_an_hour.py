"""An hour of random trading: what is told equals a second, independent computation, and a replay tells the same."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from opinionscope.signals.replay import Replay
from opinionscope.store.rules import find_rules
from tests.signals.expected import Deal, Expectation, RuleBook, told_summary
from tests.signals.following import ANN, BOB, CEM, DEFAULT_COOLDOWN, START, Following

RULES: dict[str, tuple[dict[str, Any], Any, timedelta]] = {
    "all": ({}, lambda _: True, timedelta(0)),
    "big": ({"min_amount": 200.0}, lambda order: round(order.amount, 8) >= 200, DEFAULT_COOLDOWN),
    "new": ({"changes": ("NEW", "FLIP")}, lambda order: order.change in ("NEW", "FLIP"), timedelta(0)),
    "ann": ({"whales": (ANN,)}, lambda order: order.deals[0].wallet == ANN, timedelta(minutes=5)),
    "cheap": (
        {"max_price": 0.4, "actions": ("BUY",)},
        lambda o: o.deals[0].action == "BUY" and o.price <= 0.4,
        timedelta(0),
    ),
    "snow": (
        {"markets": ("2",), "changes": ("EXIT", "REDUCE")},
        lambda o: o.deals[0].market == "2" and o.change in ("EXIT", "REDUCE"),
        timedelta(0),
    ),
}


def trade_a_minute(wallets: Following, chance: Random) -> list[Any]:
    """Some fills of the minute before the next run, some of them up to four minutes late."""
    made = []
    for address in (ANN, BOB, CEM):
        for _ in range(chance.choice((0, 0, 0, 1, 2, 4))):
            side = chance.choice(("Buy", "Buy", "Buy", "Sell", "Split", "Merge"))
            shares = chance.choice((10, 100, 100, 250, 1_000))
            amount = float(shares) if side in ("Split", "Merge") else round(shares * chance.choice((0.2, 0.4, 0.7)), 2)
            ago = chance.uniform(0, 59) if chance.random() < 0.85 else chance.uniform(60, 240)
            fill = wallets.fill(
                address,
                ago=ago,
                market=chance.choice("12"),
                side=side,
                outcome=chance.choice((1, 2)),
                shares=shares,
                amount=amount,
            )
            made.append(fill)
    return made


def as_seen(wallets: Following, known: set[int]) -> list[Deal]:
    """The trades that the last run stored."""
    rows = wallets.store.query(
        "SELECT id, whale_address, market_external_id, outcome_side, action, "
        "CAST(strftime('%s', timestamp) AS INTEGER), shares, amount, ifnull(fee, 0) FROM whale_activity ORDER BY id"
    )
    new = [Deal(*row) for row in rows if row[0] not in known]
    known.update(deal.serial for deal in new)
    return new


@pytest.mark.parametrize("seed", range(2))
def test_what_is_told_in_an_hour_is_what_should_be(wallets: Following, seed: int) -> None:
    chance, known = Random(seed), set[int]()
    for name, (filters, _, cooldown) in RULES.items():
        wallets.rule(name, cooldown=cooldown, **filters)
    since = wallets.now - timedelta(minutes=1)
    rules = {name: (matches, cooldown.total_seconds()) for name, (_, matches, cooldown) in RULES.items()}
    book = RuleBook(rules, since.timestamp())
    told = Counter[Any]()
    expected = list[tuple[str, Expectation]]()
    for _ in range(60):
        trade_a_minute(wallets, chance)
        now = wallets.now.timestamp()
        wallets.read()
        told.update((document["rule"], told_summary(document)) for document in wallets.tell_at_once())
        expected += book.run(now, as_seen(wallets, known))
    assert told == Counter((rule, order.summary) for rule, order in expected)
    assert len(told) > 100

    signals = Replay(wallets.store, find_rules(wallets.store), since, wallets.now).signals()
    replayed = Counter((each.rule, told_summary(each.told)) for each in signals if each.state == "sent")
    assert replayed == told
    assert signals[0].detected_at >= START
    kept = Counter((each.rule, each.reason and each.reason[:12]) for each in signals if each.state == "suppressed")
    assert kept == Counter(
        (each.rule, each.reason and each.reason[:12]) for each in wallets.signals() if each.state == "suppressed"
    )
