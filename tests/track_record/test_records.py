"""The track record: worked examples of questions, and what is withheld rather than flattering."""

from dataclasses import astuple, replace
from itertools import permutations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.completeness import Completeness
from opinionscope.track_record.positions import PositionSums, Result
from opinionscope.track_record.records import (
    Holding,
    RecordSums,
    TrackRecord,
    decided_at,
    judge_question,
    question_key,
    track_record,
    wilson_interval,
)

COMPLETE = Completeness("complete", 0)


def bought(shares: float, amount: float, result: Result = "undecided", **more: object) -> Holding:
    """Shares of the yes side that were bought and kept."""
    fields = {"outcome_side": 1, "market_is_known": True, "sums": PositionSums(shares, amount), "result": result}
    return Holding(**(fields | more))  # type: ignore[arg-type]


def test_a_split_whose_no_side_was_sold_is_one_won_question() -> None:
    question = judge_question(
        [
            Holding(1, PositionSums(split_shares=100), "won", True),
            Holding(2, PositionSums(split_shares=100, sell_shares=100, sell_amount=40), "lost", True),
        ]
    )
    assert (question.state, question.realized, question.settled, question.cost) == ("won", -10, 50, 100)


def test_shares_held_to_zero_are_a_lost_question() -> None:
    question = judge_question([bought(100, 25, "lost")])
    assert (question.state, question.settled, question.exposure) == ("lost", -25, 0)


def test_options_of_a_topic_are_one_bet() -> None:
    question = judge_question([bought(100, 60, "won"), bought(100, 30, "lost"), bought(100, 20, "lost")])
    assert (question.state, question.settled) == ("lost", 40 - 30 - 20)


def test_a_question_is_open_while_anything_of_it_is_held_undecided() -> None:
    question = judge_question([bought(100, 60, "won"), bought(50, 30, mark=0.7), bought(10, 5)])
    assert (question.state, question.exposure, question.unrealized, question.closed_at) == ("open", 35, 5, None)


def test_without_any_mark_the_unrealized_profit_of_a_question_is_unknown() -> None:
    assert judge_question([bought(50, 30)]).unrealized is None
    assert judge_question([bought(50, 30, "lost")]).unrealized == 0


def test_what_was_sold_again_without_a_result_is_decided_by_what_it_brought() -> None:
    sums = PositionSums(buy_shares=20_000, buy_amount=15_000, sell_shares=20_000, sell_amount=5_000)
    question = judge_question([bought(0, 0, sums=sums)])
    assert (question.state, question.realized, question.variance) == ("lost", -10_000, 0)


def test_a_void_market_is_neither_won_nor_lost_and_its_cost_is_named() -> None:
    question = judge_question([bought(100, 40, "void")])
    assert (question.state, question.settled, question.void_cost, question.exposure) == ("void", 0, 40, 0)


def test_a_void_option_does_not_hide_what_the_others_lost() -> None:
    question = judge_question([bought(100, 40, "void"), bought(100, 70, "lost")])
    assert (question.state, question.settled, question.void_cost) == ("lost", -70, 40)
    sold = PositionSums(buy_shares=100, buy_amount=70, sell_shares=100, sell_amount=10)
    for result in ("undecided", "lost"):
        question = judge_question([bought(100, 40, "void"), bought(0, 0, result, sums=sold)])
        assert (question.state, question.realized, question.void_cost) == ("lost", -60, 40), "nor where they were sold"


def test_a_profit_within_dust_is_neither_won_nor_lost() -> None:
    sums = PositionSums(buy_shares=100, buy_amount=40, sell_shares=100, sell_amount=40.009)
    assert judge_question([bought(0, 0, sums=sums)]).state == "even"


def test_luck_is_measured_on_shares_held_to_the_decision() -> None:
    question = judge_question([bought(100, 40, "won"), bought(200, 50, "lost", outcome_side=2)])
    assert question.edge == pytest.approx(100 * 0.6 - 200 * 0.25)
    assert question.variance == pytest.approx(100**2 * 0.4 * 0.6 + 200**2 * 0.25 * 0.75)


def test_shares_that_cost_more_than_they_can_pay_do_not_make_the_spread_smaller() -> None:
    assert judge_question([bought(100, 110, "won")]).variance == 0


def test_a_question_closes_when_the_last_of_it_was_decided_or_sold() -> None:
    sold = PositionSums(buy_shares=10, buy_amount=5, sell_shares=10, sell_amount=6)
    early = bought(10, 5, "won", last_traded_at="2026-01-01T00:00:00Z", decided_at="2026-02-01T00:00:00Z")
    undated = bought(10, 5, "lost", last_traded_at="2026-01-05T00:00:00Z")
    # It was sold before its market was decided: what the market did later does not matter.
    exited = bought(0, 0, "won", sums=sold, last_traded_at="2026-01-03T00:00:00Z", decided_at="2026-09-09T00:00:00Z")
    assert judge_question([exited, undated]).closed_at == "2026-01-05T00:00:00Z"
    assert judge_question([exited, early, undated]).closed_at == "2026-02-01T00:00:00Z"


def test_a_market_without_a_time_of_resolution_was_decided_at_its_cutoff_if_that_is_past() -> None:
    assert decided_at("2026-01-02", "2026-01-01", now="2026-03-01") == "2026-01-02"
    assert decided_at(None, "2026-01-01", now="2026-03-01") == "2026-01-01"
    assert decided_at(None, "2026-04-01", now="2026-03-01") is None


@pytest.mark.parametrize(
    ("root", "topic", "key"),
    [
        ("9", "9", "topic:9"),
        (None, "9", "topic:9"),
        ("9", "", "7"),
        ("9", None, "topic:9"),
        ("7", None, "7"),
        (None, None, "7"),
    ],
)
def test_the_market_says_which_question_it_belongs_to_and_its_trades_only_where_it_is_unknown(
    root: str | None, topic: str | None, key: str
) -> None:
    assert question_key("7", root=root, topic=topic) == key


def test_a_topic_and_a_market_of_one_number_are_two_questions() -> None:
    assert question_key("7", root="7", topic="") != question_key("8", root="7", topic="7")


def test_positions_that_cannot_be_judged_are_counted() -> None:
    sold = PositionSums(buy_shares=10, buy_amount=5, sell_shares=10, sell_amount=6)
    question = judge_question(
        [
            bought(9, 5, outcome_side=0),
            bought(9, 5, market_is_known=False),
            bought(0, 0, sums=sold, market_is_known=False),
        ]
    )
    assert (question.without_outcome, question.unknown_markets, question.open_positions) == (1, 1, 1)


def test_the_order_of_positions_changes_nothing() -> None:
    results: tuple[Result, ...] = ("won", "lost", "won", "undecided")
    holdings = [bought(3.3 * n, 1.1 * n, result) for n, result in enumerate(results, 1)]
    assert len({astuple(judge_question(order)) for order in permutations(holdings)}) == 1


def test_the_interval_is_wilsons() -> None:
    assert wilson_interval(14, 20) == pytest.approx((0.481, 0.855), abs=5e-4)


@given(st.integers(1, 10_000).flatmap(lambda decided: st.tuples(st.integers(0, decided), st.just(decided))))
def test_the_interval_holds_the_share_and_stays_between_none_and_all(record: tuple[int, int]) -> None:
    won, decided = record
    low, high = wilson_interval(won, decided)
    assert 0 <= low <= won / decided + 1e-12
    assert won / decided - 1e-12 <= high <= 1
    low_after, high_after = wilson_interval(10 * won, 10 * decided)
    assert high_after - low_after < high - low


FULL = RecordSums(
    won=14, lost=6, decided_profit=300, decided_cost=1_200, net_profit=290, unrealized=7, exposure=50, edge=30,
    variance=225, open_positions=2, marked_positions=1,
)  # fmt: skip


def test_a_record_of_twenty_questions_is_published() -> None:
    record = track_record(FULL, COMPLETE, unsummed=0)
    assert (record.decided_questions, record.won_questions, record.roi, record.luck) == (20, 14, 0.25, 30 / sqrt(225))
    assert (record.net_profit, record.unrealized_profit, record.exposure, record.record_withheld) == (290, 7, 50, None)
    assert (record.win_rate_low, record.win_rate_high) == wilson_interval(14, 20)


def test_below_twenty_questions_only_the_record_is_withheld() -> None:
    record = track_record(replace(FULL, lost=5), COMPLETE, unsummed=0)
    assert record.record_withheld == "19 of 20 decided questions"
    assert (record.win_rate_low, record.win_rate_high, record.roi, record.luck) == (None, None, None, None)
    assert (record.net_profit, record.exposure, record.decided_questions, record.won_questions) == (290, 50, 19, 14)


@pytest.mark.parametrize(
    ("sums", "completeness", "unsummed", "reason"),
    [
        (FULL, Completeness("catching up", 5), 0, "history catching up"),
        (FULL, Completeness("behind", 3), 9, "history behind by 3"),
        (FULL, COMPLETE, 1_200, "1,200 trades not summed yet"),
        (replace(FULL, without_outcome=1), COMPLETE, 0, "1 position without an outcome"),
        (replace(FULL, unknown_markets=2), COMPLETE, 0, "2 positions in a market not known yet"),
    ],
)
def test_of_a_partial_history_no_figure_is_published(
    sums: RecordSums, completeness: Completeness, unsummed: int, reason: str
) -> None:
    assert track_record(sums, completeness, unsummed) == TrackRecord(record_withheld=reason)


def test_luck_is_unknown_where_nothing_held_could_have_gone_either_way() -> None:
    assert track_record(replace(FULL, edge=0.0, variance=0.0), COMPLETE, unsummed=0).luck is None


def test_the_unrealized_profit_is_unknown_only_while_something_is_held_without_a_mark() -> None:
    unmarked = replace(FULL, unrealized=0, marked_positions=0)
    assert track_record(unmarked, COMPLETE, unsummed=0).unrealized_profit is None
    assert track_record(replace(unmarked, open_positions=0), COMPLETE, unsummed=0).unrealized_profit == 0
