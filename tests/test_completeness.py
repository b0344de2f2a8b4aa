"""The rule for complete, catching up, behind and ahead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.completeness import judge_completeness
from opinionscope.store.whale_progress import ReadingProgress

COUNTS = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("total", "known", "end_reached", "reading", "shown"),
    [
        (40, 40, True, False, "complete"),
        (40, 37, True, False, "behind by 3"),
        (1_040, 40, True, False, "behind by 1,000"),
        (40, 42, True, False, "ahead by 2"),
        (40, 40, True, True, "catching up"),
        (40, 40, False, False, "catching up"),
        (None, 12, True, False, "complete"),
        (0, 0, True, False, "complete"),
    ],
)
def test_a_history_is_complete_only_when_the_numbers_match_and_nothing_is_left_to_read(
    total: int | None, known: int, end_reached: bool, reading: bool, shown: str
) -> None:
    judged = judge_completeness(total=total, known=known, end_reached=end_reached, reading=reading)
    assert str(judged) == shown


@given(total=COUNTS, known=COUNTS)
def test_missing_trades_are_never_negative_and_a_surplus_is_never_complete(total: int, known: int) -> None:
    judged = judge_completeness(total=total, known=known, end_reached=True, reading=False)
    assert judged.missing == max(0, total - known)
    assert (judged.word == "complete") is (total == known)


def test_the_wallet_that_is_polled_and_the_wallet_that_is_shown_are_judged_by_one_rule() -> None:
    ahead = ReadingProgress(
        known_trades=45,
        api_total=44,
        history_read_at="2026-01-01T00:00:00.000Z",
        resume_position=None,
        settled_difference=0,
        fruitless_rereads=0,
        reread_after=None,
        newest_page=None,
        doubted=0,
        missed=0,
        waiting=0,
        waiting_from=None,
        unordered=0,
        ahead_since=None,
        audit_began_at=None,
        audit_total=None,
        audit_is_sound=0,
        whole_read_at=None,
        looked_through_at=None,
        new_from=None,
        recheck_from=None,
        listed_newest=None,
        deep_failures=0,
        failed_below=None,
        standing=None,
        standing_since=None,
    )
    assert str(ahead.completeness) == "ahead by 1"
