"""Which wallets a run polls first, minute by minute."""

from collections import Counter
from dataclasses import replace

from opinionscope.polling.expected_delay import expected_mean
from opinionscope.polling.frequency import gaps
from opinionscope.polling.limits import Limits
from opinionscope.polling.need import need_of, weight
from opinionscope.polling.order import Candidate, find_overdue, in_order
from opinionscope.polling.trade_rate import TradeRate
from tests.benchmarks.delays import Simulation, take_turns, zipf

LIMITS = Limits(polls=10, period=60.0, longest_gap=1_800.0)


def wallet(number: int, need: float = 0.001, waited: float = 60.0, **more: bool) -> Candidate:
    return Candidate(number, f"0x{number:040x}", waited, more.get("is_new", False), need, more.get("is_deep", False))


def polls_in(minutes: int, needs: list[float], limits: Limits = LIMITS) -> tuple[Counter[int], int]:
    """How often each wallet is polled, and the longest any of them waits, in minutes."""
    waited, polls, longest = [60.0] * len(needs), Counter[int](), 0.0
    for _ in range(minutes):
        order = in_order([wallet(n, need, waited[n]) for n, need in enumerate(needs)], limits)
        polled = {one.id for one in order[: limits.polls]}
        polls.update(polled)
        longest = max(longest, *(waited[one] for one in polled))
        waited = [60.0 if n in polled else wait + 60.0 for n, wait in enumerate(waited)]
    return polls, round(longest / 60)


def test_active_wallets_come_first() -> None:
    order = in_order([wallet(n, need=n / 100) for n in range(8)], LIMITS)
    assert [one.id for one in order] == [7, 6, 5, 4, 3, 2, 1, 0]


def test_a_wallet_with_four_times_the_need_is_polled_twice_as_often() -> None:
    polls, _ = polls_in(300, [0.04] * 30 + [0.01] * 30)
    busy, calm = sum(polls[n] for n in range(30)), sum(polls[n] for n in range(30, 60))
    assert 1.8 < busy / calm < 2.2


def test_no_wallet_waits_longer_than_the_longest_gap_however_little_it_trades() -> None:
    polls, longest = polls_in(200, [1.0] * 20 + [1e-9] * 180)
    assert longest == 30
    assert min(polls.values()) >= 6


def test_with_more_wallets_than_fit_they_wait_a_little_longer_and_need_still_counts() -> None:
    polls, longest = polls_in(300, [1.0, 1.0] + [1e-9] * 448)
    assert longest <= LIMITS.gap_for(450) / 60 + 1 == 61
    assert polls[0] == polls[1] == 300
    assert min(polls.values()) >= 4


def test_new_wallets_leave_every_fourth_poll_to_those_that_trade() -> None:
    new = [wallet(n, is_new=True) for n in range(100)]
    order = in_order([*new, wallet(100, need=1.0), wallet(101, need=0.5)], LIMITS)
    assert [one.id for one in order if not one.is_new] == [100, 101]
    assert {100, 101} < {one.id for one in order[: LIMITS.polls]}


def test_every_fourth_poll_is_of_a_wallet_to_be_read_deeper() -> None:
    order = in_order(
        [wallet(n, need=1.0) for n in range(40)] + [wallet(40 + n, is_deep=True) for n in range(5)], LIMITS
    )
    assert [place for place, one in enumerate(order) if one.is_read_deeper] == [0, 4, 8, 12, 16]


def test_a_wallet_polled_later_than_now_is_polled_at_once() -> None:
    order = in_order([wallet(1, need=1.0), wallet(2, waited=-86_400)], LIMITS)
    assert order[0].id == 2


def test_a_wallet_that_is_not_due_is_no_failure_and_one_that_has_waited_too_long_is() -> None:
    unpolled = [wallet(1, waited=600), wallet(2, waited=1_800), wallet(3, waited=1_740)]
    assert [one.id for one in find_overdue(unpolled, 200, LIMITS)] == [2]
    assert find_overdue(unpolled, 10, LIMITS) == unpolled, "there was room for all"


def test_what_a_rule_names_is_polled_twice_as_often_and_an_open_exposure_counts() -> None:
    assert weight(None, named_by_rule=False) == 1
    assert weight(10_000, named_by_rule=False) == 1.5
    assert weight(1e12, named_by_rule=True) / weight(1e12, named_by_rule=False) == 4


def test_a_burst_of_a_wallet_that_slept_shows_within_two_polls() -> None:
    """After the second poll since it began to trade each minute, it is polled nearly each minute."""
    sleepers = [need_of(TradeRate(), 0, None, named_by_rule=False)] * 700
    limits = replace(LIMITS, polls=100)
    rate, waited, begin, waits = TradeRate(), 60.0, 40, list[float]()
    others = [60.0 * (1 + n % 7) for n in range(700)]
    for minute in range(begin, begin + 60):
        now = 60.0 * minute
        burst = wallet(700, need_of(rate, now, None, named_by_rule=False), waited)
        order = in_order([*(wallet(n, sleepers[n], others[n]) for n in range(700)), burst], limits)
        polled = {one.id for one in order[: limits.polls]}
        others = [60.0 if n in polled else wait + 60.0 for n, wait in enumerate(others)]
        if 700 in polled:
            waits.append(waited)
            seen = range(max(begin, minute - int(waited / 60)), minute)
            rate = rate.with_trades({60 * each + 30: 1 for each in seen})
        waited = 60.0 if 700 in polled else waited + 60.0
    assert max(waits[2:]) <= 120
    assert waits[2:].count(60.0) >= 0.9 * len(waits[2:])


def test_trades_are_seen_far_earlier_than_in_turns_and_nearly_as_early_as_can_be() -> None:
    rates = zipf(1_000, 1.2)
    limits = Limits(polls=150, period=60.0, longest_gap=1_800.0)
    ours = Simulation(rates, limits).run(60, 40)
    turns = Simulation(rates, limits, choose=take_turns).run(60, 40)
    assert ours.mean < 0.45 * turns.mean
    assert ours.mean < 1.15 * expected_mean(rates, gaps(rates, limits))
    assert ours.longest_wait <= limits.longest_gap
