"""What the rules of a merged database are shown: all that is new in the sources, once, when everything is here."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from opinionscope.job_table import JOBS
from opinionscope.merging import bringing, judging
from opinionscope.merging import merge as merging
from opinionscope.merging.owners import HANDOVER
from opinionscope.signals.watch import Faults, Watch
from opinionscope.store.database import Store, Transaction
from opinionscope.store.positions import PositionChange, PositionKey, add_to_positions
from opinionscope.store.sync_logs import open_run
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.times import to_millis_text, to_seconds_text
from tests.merging.test_random_histories import WALLETS, History
from tests.merging.union import assert_union, rows_of
from tests.merging.watched import first_merge, merged

MARKET = "77"


def trade(history: History, number: int, source: int, action: str = "BUY") -> NewTrade:
    """Let a source see that a wallet trades, a minute after what was last."""
    history.now += timedelta(minutes=1)
    made = NewTrade(
        MARKET, None, None, "0x1", action, "YES", 1, 0.5, 1.0, 1.0, None, None, None, None,
        to_seconds_text(history.now), int(history.now.timestamp()), 1,
    )  # fmt: skip
    see(history, number, source, made)
    return made


def see(history: History, number: int, source: int, made: NewTrade) -> None:
    bought, sold = (made.shares, 0.0) if made.action == "BUY" else (0.0, made.shares)
    change = PositionChange(
        buy_shares=bought, buy_amount=bought, sell_shares=sold, sell_amount=sold, trade_count=1, seconds={0: 1}
    )
    with Store.open(history.sources[source]) as store, store.transaction() as transaction:
        insert_trades(transaction, WALLETS[number], [made], history.now)
        add_to_positions(transaction, WALLETS[number], {PositionKey(made.market_external_id, 1): change})
        transaction.execute(
            "UPDATE whales SET known_trades = known_trades + 1, last_synced_at = ? WHERE address = ?",
            (to_millis_text(history.now), WALLETS[number]),
        )


def signals(history: History, kind: str = "order") -> list[str | None]:
    """The wallets that were told of, or None for each consensus."""
    rows = rows_of(history.target, "SELECT kind, whale_address FROM signals ORDER BY whale_address")
    return [wallet for each, wallet in rows if each == kind]


def test_a_consensus_is_judged_by_all_sources_of_a_merge(watched: History) -> None:
    first_merge(watched)
    trade(watched, 1, source=1)
    merged(watched)
    trade(watched, 0, source=0)
    trade(watched, 1, 1, "SELL")
    merged(watched)
    assert signals(watched, "consensus") == [], "the second source comes later, and its wallet has left"
    trade(watched, 2, source=2)
    merged(watched)
    assert signals(watched, "consensus") == [None]


def test_what_one_source_meets_keeps_no_news_of_others_from_being_told(watched: History) -> None:
    first_merge(watched)
    trade(watched, 0, source=0)
    trade(watched, 2, source=2)
    watched.sources[1].rename(watched.sources[1].with_suffix(".away"))
    assert len(merged(watched).failures) == 1
    assert signals(watched) == [WALLETS[0], WALLETS[2]]


def test_news_of_a_source_that_is_here_in_part_waits_for_what_its_wallets_hold(watched: History) -> None:
    first_merge(watched)
    for number in (0, 0, 1, 1):
        trade(watched, number, source=number)
    with patch.object(bringing, "TRADES_AT_ONCE", 1), patch.object(bringing, "merge_markets", side_effect=OSError):
        assert len(merged(watched).failures) == 3
    assert rows_of(watched.target, "SELECT count(*) FROM whale_activity") == [(2,)], "one of each"
    assert signals(watched) == []
    with patch.object(judging, "find_news", side_effect=ArithmeticError("odd")):
        assert merged(watched).failures == ["the rules could not be applied: unexpected ArithmeticError: odd."]
    merged(watched)
    assert rows_of(watched.target, "SELECT change FROM signals WHERE kind = 'order'") == [("NEW",), ("NEW",)]
    assert signals(watched, "consensus") == [None]


def test_rules_that_fail_for_a_wallet_are_reported_and_judge_the_others(watched: History) -> None:
    first_merge(watched)
    trade(watched, 0, source=0)
    trade(watched, 1, source=1)
    saw = Watch.saw

    def saw_or_failed(watch: Watch, transaction: Transaction, address: str, trades: Sequence[NewTrade]) -> Faults:
        if address == WALLETS[0]:
            raise ArithmeticError("odd")
        return saw(watch, transaction, address, trades)

    with patch.object(Watch, "saw", saw_or_failed):
        assert merged(watched).failures == ["the rules could not be applied: unexpected ArithmeticError: odd"]
    assert signals(watched) == [WALLETS[1]]


def test_news_that_a_merge_did_not_come_to_judge_is_told_by_the_next_one_even_if_it_was_corrected(
    watched: History,
) -> None:
    first_merge(watched)
    trade(watched, 0, source=0)
    trade(watched, 1, source=1)
    with patch.object(merging, "judge_news", side_effect=KeyboardInterrupt), suppress(KeyboardInterrupt):
        merged(watched)
    assert signals(watched) == []
    with closing(sqlite3.connect(watched.sources[0])) as connection, connection:
        connection.execute("UPDATE whale_activity SET fingerprint = 1, amount = 3")
    watched.sources[1].rename(watched.sources[1].with_suffix(".away"))
    for _ in range(2):
        merged(watched)
        assert signals(watched) == [WALLETS[0], WALLETS[1]]
    assert rows_of(watched.target, "SELECT amount FROM signals WHERE kind = 'order' ORDER BY amount") == [(1,), (3,)]


def test_a_wallet_that_changes_over_brings_what_only_the_other_source_saw_as_news(watched: History) -> None:
    one, other = watched.sources[:2]
    for path in (one, other):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE whales SET elsewhere = 0 WHERE address = ?", (WALLETS[0],))
    for made in [trade(watched, 0, source=1) for _ in range(3)][1:]:
        see(watched, 0, 0, made)
    watched.now += HANDOVER
    first_merge(watched)
    see(watched, 0, 1, trade(watched, 0, source=0))
    merged(watched)
    assert signals(watched) == [WALLETS[0]]
    watched.now += 2 * HANDOVER
    trade(watched, 0, source=1)
    for _ in range(2):
        assert merged(watched).failures == []
        assert signals(watched) == [WALLETS[0], WALLETS[0]], "the oldest trade is new here, and no news"
    assert rows_of(watched.target, "SELECT count(*) FROM whale_activity") == [(5,)]


def test_a_trade_that_takes_the_place_of_one_that_is_gone_is_told_by_itself(watched: History) -> None:
    first_merge(watched)
    watched._restore(watched.sources[0])
    gone = trade(watched, 0, source=0)
    merged(watched)
    watched._restore(watched.sources[0])
    earlier = to_seconds_text(watched.now - timedelta(seconds=30))
    watched.now += timedelta(minutes=1)
    see(watched, 0, 0, gone._replace(market_external_id="1", timestamp=earlier))
    merged(watched)
    assert rows_of(watched.target, "SELECT id FROM whale_activity") == [(1,)]
    assert rows_of(watched.target, "SELECT market_external_id FROM signals ORDER BY id") == [(MARKET,), ("1",)]


def test_a_source_that_was_put_back_is_noticed_even_if_its_numbers_are_the_same_again(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]

    def run(shares: float) -> None:
        history.now += timedelta(minutes=1)
        with Store.open(path) as store:
            open_run(store, JOBS[0], history.now)
            with store.transaction() as transaction:
                change = PositionChange(buy_shares=shares, trade_count=1, seconds={0: 1})
                add_to_positions(transaction, WALLETS[0], {PositionKey(MARKET, 1): change})
                transaction.execute("UPDATE whales SET known_trades = known_trades + 1")

    run(1)
    history._restore(path)
    run(2)
    history.merge()
    history._restore(path)
    run(3)
    history.merge()
    assert_union(history.target, history.sources)
