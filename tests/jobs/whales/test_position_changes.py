"""Which positions a trade belongs to."""

import pytest

from opinionscope.track_record.outcome_sides import sides_of


@pytest.mark.parametrize(
    ("action", "outcome_side", "outcome", "sides"),
    [
        ("BUY", 1, "No", (1,)),
        ("SELL", 2, None, (2,)),
        ("SPLIT", 1, "Yes", (1, 2)),
        ("MERGE", None, None, (1, 2)),
        ("BUY", None, " YES ", (1,)),
        ("SELL", 0, "no", (2,)),
        ("BUY", 3, "Ann", (0,)),
        ("BUY", None, None, (0,)),
    ],
)
def test_a_trade_belongs_to_the_outcome_it_names_or_to_both_or_to_none(
    action: str, outcome_side: int | None, outcome: str | None, sides: tuple[int, ...]
) -> None:
    assert sides_of(action, outcome_side, outcome) == sides
