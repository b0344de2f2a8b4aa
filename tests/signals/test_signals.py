"""What is told, and what is not: orders once, news only, in the end everything exactly as the rules say."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from opinionscope.jobs.run import Run
from opinionscope.jobs.whales.job import watch_trades
from opinionscope.signals import rule_book
from opinionscope.signals.prior_consensus import PriorConsensus, read_prior_consensus
from opinionscope.signals.replay import Replay
from opinionscope.signals.rule_book import NewRule
from opinionscope.signals.rules import Filters, Rule
from opinionscope.store.database import Store
from opinionscope.store.rules import find_rules
from opinionscope.store.whale_progress import doubt_history
from opinionscope.store.whales import add_whales, remove_whale
from tests.jobs.whales.servers import merged
from tests.signals.following import ANN, BOB, CEM, DAN, DEFAULT_COOLDOWN, Following


def test_the_fills_of_an_order_are_told_as_one(wallets: Following) -> None:
    wallets.rule()
    for ago in (40, 20, 10):
        wallets.fill(ago=ago, shares=100, amount=40)
    wallets.run()
    (document,) = wallets.told()
    order = document["order"]
    assert (order["action"], order["fills"], order["amount"], order["price"]) == ("BUY", 3, 120, 0.4)
    assert (order["change"], document["position"]["shares_after"]) == ("NEW", 300)
    assert "BUY YES · 3 fills · 120.00 USDT at 0.400 · NEW position, now 300 shares" in document["text"]
    (signal,) = wallets.signals()
    assert (document["id"], document["number"]) == (signal.uid, signal.id)
    assert document["text"].endswith(f"signal {signal.id} ({signal.uid})")


def test_nothing_is_told_twice(wallets: Following) -> None:
    wallets.rule()
    wallets.fill()
    for _ in range(3):
        wallets.run()
    assert wallets.amounts() == [50]


def test_later_fills_of_an_order_that_was_told_are_told_when_it_passes_twice_the_amount(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(ago=1, amount=50)
    wallets.run()
    wallets.fill(ago=20, amount=50)
    wallets.run()
    assert wallets.amounts() == [50], "twice the amount is not passed"
    wallets.fill(ago=30, amount=1)
    wallets.run()
    assert wallets.amounts() == [50, 101]
    assert wallets.told()[-1]["told_before"] == {"signal": 1, "amount": 50}
    assert "The order has grown: signal 1 told 50.00 USDT." in wallets.told()[-1]["text"]


def test_later_fills_of_an_order_that_waits_are_part_of_its_message(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(ago=1)
    wallets.read()
    wallets.fill(ago=20)
    wallets.run()
    assert wallets.amounts() == [100]


def test_an_order_that_was_tried_keeps_its_message(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(ago=1, amount=50)
    wallets.run(teller=wallets.program("no", "exit 1"))
    wallets.fill(ago=20, amount=20)
    wallets.now += timedelta(minutes=2)
    wallets.run()
    assert wallets.amounts() == [50], "nobody knows whether the first attempt arrived, so it comes again as it was"


def test_a_late_fill_that_joins_two_orders_that_were_told_tells_neither_again(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(ago=10, amount=50)
    wallets.run()
    wallets.now += timedelta(seconds=30)
    wallets.fill(ago=0, amount=50)
    wallets.run()
    wallets.fill(ago=110, amount=5)
    wallets.run()
    assert wallets.amounts() == [50, 50]
    wallets.fill(ago=180, amount=100)
    wallets.run()
    assert wallets.amounts() == [50, 50, 205]
    assert wallets.told()[-1]["told_before"]["amount"] == 100


def test_a_digest_counts_orders_that_a_late_fill_has_joined_as_one(wallets: Following) -> None:
    wallets.rule(digest="08:00")
    wallets.now += timedelta(minutes=5)
    wallets.fill(ago=120, amount=50)
    wallets.fill(ago=20, amount=50)
    wallets.read()
    wallets.fill(ago=130, amount=5)
    wallets.read()
    wallets.now += timedelta(days=1)
    wallets.tell()
    (digest,) = wallets.told()
    assert (digest["orders"], digest["whales"][0]["net"]) == (1, 105)


def test_the_least_amount_may_be_reached_by_a_later_fill_of_a_later_run(wallets: Following) -> None:
    wallets.rule(min_amount=100)
    wallets.fill(ago=1, amount=60)
    wallets.run()
    assert wallets.told() == []
    wallets.fill(ago=20, amount=60)
    wallets.run()
    assert wallets.amounts() == [120]


def test_an_order_that_no_longer_matches_before_it_is_told_is_kept_with_the_reason(wallets: Following) -> None:
    wallets.rule(max_price=0.5)
    wallets.fill(ago=1, shares=100, amount=50)
    wallets.read()
    wallets.fill(ago=20, shares=100, amount=90)
    wallets.run()
    assert wallets.told() == []
    assert wallets.states() == [("suppressed", "no longer matches: price 0.700 > 0.5")]
    wallets.fill(ago=30, shares=1_000, amount=100)
    wallets.run()
    assert wallets.amounts() == [240], "and is told if it matches again"


def test_a_history_that_is_read_for_the_first_time_is_no_news(wallets: Following) -> None:
    wallets.rule()
    new = "0x" + "e" * 40
    wallets.lists[new] = wallets.lists[ANN]
    for ago in range(0, 3_000, 100):
        wallets.fill(ANN, ago=ago)
    add_whales(wallets.store, [(new, "Eve")], "manual", wallets.now)
    remove_whale(wallets.store, ANN)
    wallets.run()
    assert wallets.told() == []
    wallets.fill(ANN)
    wallets.run()
    assert [document["whale"]["name"] for document in wallets.told()] == ["Eve"]


def test_what_a_wallet_did_while_it_was_removed_is_no_news(wallets: Following) -> None:
    wallets.rule()
    remove_whale(wallets.store, ANN)
    wallets.run()
    wallets.fill(ANN, ago=30)
    wallets.now += timedelta(hours=1)
    add_whales(wallets.store, [(ANN, None)], "manual", wallets.now)
    wallets.run()
    assert wallets.told() == []
    wallets.fill(ANN, amount=7)
    wallets.run()
    assert wallets.amounts() == [7]


def test_what_was_traded_before_a_rule_is_no_news_to_it(wallets: Following) -> None:
    wallets.fill(ago=61)
    wallets.rule()
    wallets.run()
    assert wallets.told() == []


def test_what_happened_while_a_rule_was_disabled_is_not_told(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(amount=1)
    wallets.read()
    rule_book.disable(wallets.store, find_rules(wallets.store))
    wallets.tell()
    assert wallets.states() == [("suppressed", "the rule was disabled")]
    wallets.fill(amount=2, ago=5, market="2")
    wallets.run()
    wallets.now += timedelta(minutes=20)
    wallets.fill(amount=3, ago=60, market="2")
    rule_book.enable(wallets.store, find_rules(wallets.store), wallets.now)
    wallets.now += timedelta(minutes=1)
    wallets.fill(amount=4, outcome=2)
    wallets.run()
    assert wallets.amounts() == [4]


def test_a_late_fill_is_told_once_with_how_late_it_is(wallets: Following) -> None:
    wallets.rule()
    wallets.now += timedelta(minutes=10)
    wallets.fill(ago=200)
    wallets.run()
    wallets.run()
    (document,) = wallets.told()
    assert document["seen_late_seconds"] == 200
    assert "12:07:40 UTC, seen 3 min late" in document["text"]


def test_within_the_cooldown_of_a_whale_and_market_signals_are_kept_and_not_told(wallets: Following) -> None:
    wallets.rule(cooldown=DEFAULT_COOLDOWN)
    wallets.fill(ago=1, amount=1)
    wallets.run()
    wallets.fill(ago=1, amount=2, outcome=2)
    wallets.fill(ago=1, amount=4, market="2")
    wallets.fill(BOB, ago=1, amount=8)
    wallets.run()
    assert sorted(wallets.amounts()) == [1, 4, 8]
    suppressed = [signal for signal in wallets.signals() if signal.state == "suppressed"]
    assert [(each.amount, each.reason) for each in suppressed] == [
        (2, "within 30 min of signal 1 about this whale and market")
    ]
    wallets.now += timedelta(minutes=30)
    wallets.fill(ago=1, amount=16, outcome=2)
    wallets.run()
    assert wallets.amounts()[-1] == 16


def test_what_is_more_than_fifteen_messages_of_a_rule_comes_in_one(wallets: Following) -> None:
    wallets.rule("all")
    wallets.rule("big", min_amount=1_000)
    for number in range(20):
        wallets.now += timedelta(minutes=2)
        wallets.fill(ago=1, amount=100 + number)
    wallets.fill(BOB, amount=2_000)
    wallets.run()
    told = wallets.told()
    assert [document["kind"] for document in told] == ["order"] * 16 + ["summary"]
    (summary,) = [document for document in told if document["kind"] == "summary"]
    assert (summary["count"], summary["rule"]) == (6, "all")
    assert summary["text"].count("\n") >= 6
    assert sum(state == "suppressed" for state, _ in wallets.states()) == 6
    reasons = {signal.reason for signal in wallets.signals() if signal.state == "suppressed"}
    assert reasons == {f"teller: more than 15 at once; told in signal {summary['number']}"}


def test_a_digest_comes_once_a_day_with_orders_net_and_positions(wallets: Following) -> None:
    wallets.rule(digest="13:00")
    wallets.fill(ANN, amount=100, shares=200)
    wallets.run()
    wallets.fill(ANN, amount=30, shares=200, side="Sell")
    wallets.fill(BOB, amount=7)
    wallets.run()
    assert wallets.told() == []
    wallets.now += timedelta(hours=1)
    for _ in range(2):
        wallets.run()
    (digest,) = wallets.told()
    ann, bob = digest["whales"]
    assert (ann["orders"], ann["bought"], ann["sold"], ann["net"]) == (2, 100, 30, 70)
    assert ([each["market"] for each in ann["opened"]], [each["market"] for each in ann["closed"]]) == (["1"], ["1"])
    assert (bob["orders"], bob["net"], digest["orders"]) == (1, 7, 3)
    assert "Ann: 2 orders, net +70.00 USDT" in digest["text"]
    wallets.now += timedelta(days=1)
    wallets.run()
    assert len(wallets.told()) == 1, "a day without orders has no digest"


def test_a_consensus_is_told_when_it_forms_and_when_it_grows_by_half(wallets: Following) -> None:
    wallets.rule(consensus=2, min_exposure=100)
    wallets.fill(ANN, amount=100)
    wallets.fill(DAN, amount=500, outcome=2)
    wallets.run()
    assert wallets.told() == []
    wallets.fill(BOB, amount=100)
    wallets.run()
    wallets.fill(BOB, amount=50)
    wallets.run()
    wallets.fill(BOB, amount=50)
    wallets.run()
    wallets.fill(CEM, amount=100)
    wallets.run()
    told = [(each["event"], each["whales"], each["exposure"]) for each in wallets.told()]
    assert told == [("formed", 2, 200), ("grown", 2, 300), ("grown", 3, 400)]
    assert wallets.told()[0]["opposition"]["members"][0]["exposure"] == 500
    assert "Against it: 1 with 500 USDT: 0xdddd…dddd 500" in wallets.told()[0]["text"]


def test_a_consensus_that_dissolved_is_told_when_it_forms_again_and_not_while_it_stands(wallets: Following) -> None:
    wallets.rule(consensus=2, min_exposure=100)
    events = list[str]()
    formed, dissolved, formed_again = (BOB, "Buy", 100), (BOB, "Sell", 100), (BOB, "Buy", 100)
    for address, side, amount in (
        (ANN, "Buy", 100),
        formed,
        dissolved,
        formed_again,
        (ANN, "Buy", 99),
        (ANN, "Buy", 1),
    ):
        wallets.fill(address, side=side, amount=amount)
        wallets.read()
        events.append(",".join(document["event"] for document in wallets.tell_at_once()))
    assert events == ["", "formed", "", "formed", "", "grown"]


def test_a_consensus_that_dissolved_while_its_rule_was_disabled_is_told_when_it_forms_again(wallets: Following) -> None:
    wallets.rule(consensus=2, min_exposure=100)
    told = list[int]()
    for address, side in ((ANN, "Buy"), (BOB, "Buy"), (BOB, "Sell"), (BOB, "Buy")):
        if side == "Sell":
            rule_book.disable(wallets.store, find_rules(wallets.store))
        wallets.fill(address, amount=100, side=side)
        wallets.read()
        rule_book.enable(wallets.store, find_rules(wallets.store), wallets.now - timedelta(minutes=1))
        told.append(len(wallets.tell_at_once()))
    assert told == [0, 1, 0, 1]


def test_what_trades_change_while_a_new_rule_reads_the_positions_is_no_news_to_it(
    wallets: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallets.fill(ANN, amount=100)
    wallets.read()

    def read_while_a_run_stores_trades(store: Store, rule: Rule) -> PriorConsensus:
        prior = read_prior_consensus(store, rule)
        wallets.fill(BOB, amount=100)
        wallets.read()  # fails if the rule holds the write lock meanwhile
        return prior

    monkeypatch.setattr(rule_book, "read_prior_consensus", read_while_a_run_stores_trades)
    wallets.rule(consensus=2, min_exposure=100)
    wallets.fill(BOB, amount=1)
    wallets.read()
    assert wallets.tell_at_once() == []


def test_a_consensus_from_before_the_rule_is_no_news(wallets: Following) -> None:
    for address in (ANN, BOB):
        wallets.fill(address, amount=100)
    wallets.run()
    wallets.rule(consensus=2, min_exposure=100)
    wallets.fill(ANN, amount=1)
    wallets.run()
    assert wallets.told() == []


def test_the_change_of_an_order_does_not_depend_on_what_came_after_it(wallets: Following) -> None:
    wallets.rule()
    wallets.now += timedelta(minutes=10)
    wallets.fill(ago=400, shares=100)
    wallets.fill(ago=200, shares=40, amount=20, side="Sell")
    wallets.fill(ago=100, shares=60, amount=30, side="Sell")
    wallets.fill(ago=20, shares=10, amount=5, outcome=2)
    wallets.run()
    orders = [(each["order"]["change"], each["position"]["shares_after"]) for each in wallets.told()]
    assert orders == [("NEW", 100), ("REDUCE", 60), ("EXIT", 0), ("NEW", 10)]


def test_a_fill_that_comes_an_hour_late_is_told_with_the_position_of_its_time(wallets: Following) -> None:
    wallets.rule()
    since = wallets.now
    wallets.now += timedelta(hours=2)
    for ago, side, shares in ((900, "Buy", 100), (800, "Split", 40), (700, "Sell", 30), (600, "Merge", 5)):
        wallets.fill(ago=ago, side=side, shares=shares, amount=shares)
    wallets.run()
    wallets.fill(ago=4_000, shares=50, amount=20)
    wallets.run()
    signals = Replay(wallets.store, find_rules(wallets.store), since, wallets.now).signals()
    for document in (wallets.told()[-1], signals[-1].told):
        position = document["position"]
        assert (document["order"]["change"], position["shares_before"], position["shares_after"]) == ("NEW", 0, 50)
        assert (position["exposure_after"], position["other_outcome_shares_after"]) == (20, 0)


def test_the_orders_of_a_wallet_that_never_pauses_are_ten_minutes_at_most(wallets: Following) -> None:
    wallets.rule()
    for _ in range(30):
        wallets.fill(ago=5, amount=50)
        wallets.run()
    assert wallets.amounts() == [50, 150, 350] * 3


def test_trades_that_are_spelled_anew_or_withdrawn_make_no_second_signal(wallets: Following) -> None:
    wallets.rule()
    wallets.fill(ago=1, amount=50)
    wallets.run()
    wallets.lists[ANN].spelling = merged  # its market has become part of another one
    wallets.fill(ago=20, amount=20)
    wallets.run()
    assert [row[0] for row in wallets.store.query("SELECT DISTINCT market_external_id FROM whale_activity")] == ["4242"]
    assert wallets.amounts() == [50], "the order is the one that was told"
    wallets.fill(ago=50, amount=31)
    wallets.run()
    assert wallets.amounts() == [50, 101]
    listed = wallets.lists[ANN]
    gone = listed.entries.pop(0)
    doubt_history(wallets.store, ANN)
    for _ in range(6):
        wallets.now += timedelta(minutes=20)
        wallets.run()
    assert wallets.store.value("SELECT count(*) FROM whale_activity WHERE withdrawn_at IS NOT NULL") == 1
    listed.entries.append(gone)
    wallets.run()
    assert wallets.store.value("SELECT count(*) FROM whale_activity WHERE withdrawn_at IS NOT NULL") == 0
    assert wallets.amounts() == [50, 101]


def run_in_progress(wallets: Following) -> Any:
    """What looks at the trades of a run that has met some news already."""
    watch: Any = SimpleNamespace(saw=watch_trades(Run(wallets.store, wallets.now)))
    wallets.fill(DAN)
    wallets.read(watch)
    return watch


def test_a_rule_that_is_removed_while_a_run_goes_on_tells_nothing_more(wallets: Following) -> None:
    wallets.rule()
    watch = run_in_progress(wallets)
    rule_book.remove(wallets.store, find_rules(wallets.store))
    wallets.fill(ANN)
    wallets.read(watch)
    assert wallets.states() == [("suppressed", "the rule was removed")]


def test_a_rule_that_is_added_while_a_run_goes_on_misses_nothing_of_it(wallets: Following) -> None:
    watch = run_in_progress(wallets)
    wallets.rule("first")
    wallets.fill(ANN)
    wallets.read(watch)
    wallets.rule("second")
    wallets.fill(BOB)
    wallets.read(watch)
    assert [signal.rule for signal in wallets.signals()] == ["first", "first", "second"]


def test_a_cooldown_from_while_the_clock_was_ahead_holds_nothing_back(wallets: Following) -> None:
    wallets.rule(cooldown=DEFAULT_COOLDOWN)
    right = wallets.now
    wallets.now += timedelta(days=1)
    wallets.fill(amount=1, ago=86_400)
    wallets.run()
    wallets.now = right + timedelta(hours=1)
    wallets.fill(amount=2)
    wallets.run()
    assert wallets.amounts() == [1, 2]


def test_a_disabled_rule_leaves_what_one_target_was_told_as_sent(wallets: Following) -> None:
    rule = NewRule("both", Filters(), ("good", "bad"), timedelta(0), None)
    rule_book.add_rule(wallets.store, rule, wallets.now - timedelta(minutes=1))
    wallets.fill(amount=50)
    targets = {"good": wallets.program(), "bad": wallets.program("no", "exit 1")}
    wallets.run(**targets)
    rule_book.disable(wallets.store, find_rules(wallets.store))
    assert wallets.states() == [("sent", "the rule was disabled")]
    rule_book.enable(wallets.store, find_rules(wallets.store), wallets.now - timedelta(minutes=2))
    wallets.fill(ago=20, amount=500)
    wallets.run(**targets)
    assert wallets.amounts() == [50, 550]


def test_a_digest_tells_nothing_from_before_its_rule_was_disabled(wallets: Following) -> None:
    wallets.rule(digest="08:00")
    wallets.fill()
    wallets.run()
    rule_book.disable(wallets.store, find_rules(wallets.store))
    assert wallets.states() == [("suppressed", "the rule was disabled")]
    rule_book.enable(wallets.store, find_rules(wallets.store), wallets.now)
    wallets.now += timedelta(days=1)
    wallets.run()
    assert wallets.told() == []
