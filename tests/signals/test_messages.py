"""What people read: the record or why it is withheld, the time that is left, and titles on one line."""

from datetime import timedelta
from typing import Any

import pytest

from opinionscope.jobs.whales.history import History, WatchTrades
from opinionscope.notify.address_book import AddressBook
from opinionscope.signals.documents import VERSION
from opinionscope.signals.matching import Move, mismatch
from opinionscope.signals.messages import message_of
from opinionscope.signals.rules import Filters
from opinionscope.store.markets import save_markets
from opinionscope.store.whale_progress import find_wallets
from tests.cli.conftest import market
from tests.signals.following import ANN, Following


def told_of(wallets: Following, **columns: Any) -> str:
    """The message of an order of Ann's, whose row has these columns."""
    names = ", ".join(f"{name} = :{name}" for name in columns)
    with wallets.store.transaction() as transaction:
        transaction.execute(f"UPDATE whales SET {names} WHERE address = :address", {**columns, "address": ANN})
    wallets.rule()
    wallets.fill()
    wallets.run()
    (document,) = wallets.told()
    return str(document["text"])


def test_a_record_is_told_with_its_interval(wallets: Following) -> None:
    record = {"decided_questions": 50, "won_questions": 30, "win_rate_low": 0.46, "win_rate_high": 0.72}
    text = told_of(wallets, **record, roi=0.125, net_profit=-1_234.4)
    record_line = "won 30 of 50 questions (60%, 95% interval 46% to 72%), return +12%, net profit -1,234 USDT"
    assert f"Ann (0xaaaa…aaaa): {record_line}" in text.splitlines()


def test_a_record_that_is_withheld_says_why(wallets: Following) -> None:
    text = told_of(wallets, record_withheld="only 3 decided questions", decided_questions=3, won_questions=3)
    assert "Ann (0xaaaa…aaaa): record withheld: only 3 decided questions" in text.splitlines()
    assert "100%" not in text


def test_a_flagged_whale_is_told_as_flagged(wallets: Following) -> None:
    assert "flagged: trades look like farming (91% of volume)" in told_of(wallets, flagged=1, farming_share=0.91)


def test_the_option_the_time_left_and_the_link_are_told(wallets: Following) -> None:
    topic = market("9", "Who wins?")._replace(market_type="categorical")
    closing = (wallets.now + timedelta(hours=37, minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    link = "https://app.opinion.trade/detail?topicId=9&type=multi"
    option = market("1", "Who wins?: Nobody")._replace(
        market_type="child", parent_external_id="9", cutoff_at=closing, url=link
    )
    save_markets(wallets.store, [topic, option], wallets.now)
    text = told_of(wallets, enabled=1).splitlines()
    assert text[1:3] == ["Who wins?", "Option: Nobody"]
    assert any(line.startswith("Closes in 37 h (2026-03-03 01:") for line in text)
    assert link in text


@pytest.mark.parametrize("title", ["two\nlines\r\n\x1b[31mred\u202e", "long " * 500])
def test_a_title_is_one_line_of_bounded_length(wallets: Following, title: str) -> None:
    save_markets(wallets.store, [market("1", title)], wallets.now)
    lines = told_of(wallets, name=title).splitlines()
    assert all(len(line) <= 400 and line.isprintable() for line in lines)
    assert len(lines) <= 8
    assert len(wallets.told()[0]["title"]) <= 140


def test_a_link_is_one_line(wallets: Following) -> None:
    save_markets(
        wallets.store, [market("1", "Rain?")._replace(url="https://app.test/\n\x1b[31mred\u202e")], wallets.now
    )
    assert "https://app.test/ �[31mred�" in told_of(wallets, enabled=1).splitlines()


def test_a_program_gets_the_documented_document(wallets: Following) -> None:
    told_of(wallets, enabled=1)
    (document,) = wallets.told()
    assert document["version"] == VERSION == 1
    assert document.keys() == {
        "version", "id", "number", "kind", "rule", "detected_at", "title", "text", "whale", "market", "order",
        "position", "seen_late_seconds", "told_before",
    }  # fmt: skip
    assert document["order"].keys() == {
        "action", "outcome", "outcome_side", "change", "fills", "shares", "amount", "fees", "price", "first_fill_at",
        "last_fill_at",
    }  # fmt: skip
    assert message_of(document).body == document["text"]


def read_history(wallets: Following, watch: WatchTrades) -> History:
    """Ann's history after a poll at which `watch` was told of the news."""
    (wallet,) = [each for each in find_wallets(wallets.store) if each.address == ANN]
    listed, horizon = wallets.lists[ANN], wallets.now - timedelta(days=1)
    history = History(wallets.store, wallet, listed.fetch_newest, listed.fetch, wallets.now, lambda: horizon, watch)
    history.poll()
    return history


def test_nothing_is_said_of_a_position_that_is_not_summed_yet(wallets: Following) -> None:
    wallets.rule("changes", changes=("NEW", "ADD", "REDUCE", "EXIT", "FLIP"))
    text = told_of(wallets, unsummed=2)
    assert "BUY YES · 1 fill · 50.00 USDT at 0.500 · position not known yet" in text.splitlines()
    (document,) = wallets.told()
    assert (document["rule"], document["order"]["change"], document["position"]["is_partial"]) == ("all", None, True)


def test_a_fault_in_one_rule_keeps_the_others_from_nothing(wallets: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    wallets.rule("odd", max_price=1.0)
    wallets.rule("all")
    wallets.fill(ANN, ago=9)
    wallets.fill(ANN, ago=5, market="2")

    def fails_in_market_2(filters: Filters, move: Move) -> str | None:
        if filters.max_price and move.order.market_external_id == "2":
            raise RuntimeError("what is this?")
        return mismatch(filters, move)

    monkeypatch.setattr("opinionscope.signals.watch.mismatch", fails_in_market_2)
    history = read_history(wallets, wallets.watch(AddressBook.of({})).saw)
    assert history.stored == 2
    assert [(each.rule, each.market_external_id) for each in wallets.signals()] == [("all", "1"), ("all", "2")]
    assert list(history.problems) == ["rule odd could not be applied: unexpected RuntimeError: what is this?"]


def test_a_fault_in_the_rules_keeps_no_trade_from_being_stored(wallets: Following) -> None:
    wallets.fill(ANN)

    def fail(*_: object) -> dict[str, Exception]:
        raise RuntimeError("odd")

    history = read_history(wallets, fail)
    assert history.stored == 1
    assert list(history.problems) == ["the rules could not be applied: unexpected RuntimeError: odd"]
