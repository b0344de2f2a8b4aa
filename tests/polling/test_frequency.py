"""How the polls of a minute are shared among the wallets."""

from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opinionscope.polling.expected_delay import expected_delay, expected_mean
from opinionscope.polling.frequency import gaps
from opinionscope.polling.limits import Limits
from opinionscope.settings import Settings

LIMITS = Limits(polls=20, period=60.0, longest_gap=1_800.0)
needs_of_many = st.lists(st.floats(1e-6, 10), min_size=LIMITS.polls + 1, max_size=1_000)


@given(st.lists(st.floats(1e-6, 10), max_size=LIMITS.polls))
def test_with_room_for_all_every_wallet_is_polled_every_minute(needs: list[float]) -> None:
    assert gaps(needs, LIMITS) == [60.0] * len(needs)


@given(needs_of_many)
def test_all_polls_are_used_and_no_wallet_waits_longer_than_the_gap_or_is_polled_twice_a_run(
    needs: list[float],
) -> None:
    found = gaps(needs, LIMITS)
    assert sum(60.0 / gap for gap in found) == pytest.approx(LIMITS.polls, rel=1e-6)
    assert min(found) >= 60.0
    assert max(found) <= LIMITS.gap_for(len(needs)) * (1 + 1e-9)


@given(needs_of_many)
def test_between_the_bounds_polls_are_in_proportion_to_the_square_root_of_the_need(needs: list[float]) -> None:
    longest = LIMITS.gap_for(len(needs))
    between = [
        gap * sqrt(need) for gap, need in zip(gaps(needs, LIMITS), needs, strict=True) if 60.001 < gap < longest - 0.001
    ]
    assert between == pytest.approx([between[0]] * len(between), rel=1e-6) if between else True


@given(needs_of_many, st.randoms(use_true_random=False))
def test_no_other_way_to_share_the_polls_makes_the_delay_shorter(needs: list[float], chance: object) -> None:
    """Moving a little from any wallet to another helps nothing: the sum of delays is convex."""
    found = gaps(needs, LIMITS)
    longest = LIMITS.gap_for(len(needs))
    best = expected_mean(needs, found)
    polls = [60.0 / gap for gap in found]
    giver = max(range(len(needs)), key=lambda n: -inf if found[n] > longest * 0.99 else found[n] ** 2 * -needs[n])
    taker = max(range(len(needs)), key=lambda n: -inf if found[n] < 60.5 else found[n] ** 2 * needs[n])
    moved = min(1e-4, polls[giver] / 100)
    polls[giver] -= moved
    polls[taker] += moved
    assert expected_mean(needs, [60.0 / each for each in polls]) >= best * (1 - 1e-9)


def test_a_gap_that_cannot_be_held_becomes_longer_for_all_while_some_polls_still_go_by_need() -> None:
    fits = LIMITS.wallets_that_fit
    assert fits == 450
    assert LIMITS.gap_for(fits) == 1_800
    assert LIMITS.gap_for(2 * fits) == 3_600
    found = gaps([10.0, *[1e-6] * (2 * fits - 1)], LIMITS)
    assert found[0] == 60
    assert max(found) <= 3_600


@pytest.mark.parametrize(
    ("budget", "polls", "period"), [(50, 750, 60), (60, 900, 60), (61, 915, 120), (300, 4_500, 300)]
)
def test_the_limits_follow_from_the_settings(budget: float, polls: int, period: float) -> None:
    settings = Settings.model_validate({"OPINIONSCOPE_RUN_BUDGET": budget, "OPINIONSCOPE_LONGEST_GAP": "20m"})
    assert Limits.of(settings) == Limits(polls, period, 1_200)


@pytest.mark.parametrize("gap", ["30", "soon", "1s", "8d", "-5m"])
def test_a_longest_gap_that_is_no_duration_or_out_of_range_is_refused_by_name(gap: str) -> None:
    with pytest.raises(ValidationError, match="OPINIONSCOPE_LONGEST_GAP"):
        Settings.model_validate({"OPINIONSCOPE_LONGEST_GAP": gap})


@given(st.lists(st.tuples(st.floats(0.001, 10), st.floats(60, 3_600)), min_size=1, max_size=50))
def test_the_expected_share_of_trades_is_seen_within_the_expected_delay(wallets: list[tuple[float, float]]) -> None:
    rates, waits = [rate for rate, _ in wallets], [gap for _, gap in wallets]
    for share in (0.5, 0.95):
        delay = expected_delay(rates, waits, share)
        within = sum(rate * min(1.0, delay / gap) for rate, gap in wallets)
        assert within == pytest.approx(share * sum(rates), rel=1e-6)
