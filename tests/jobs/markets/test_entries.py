"""By its digest an entry of the list is known again: everything that is read counts, and nothing else does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.api.answers import read_items
from opinionscope.api.models import Market
from opinionscope.jobs.markets.entries import digest_of
from opinionscope.jobs.markets.rows import rows_of
from tests.rounds import examples
from tests.test_fuzz import MARKET, MARKET_FIELDS, SCALARS

TOPIC: dict[str, Any] = MARKET | {"marketType": 1, "childMarkets": [MARKET | {"marketId": 8}, MARKET | {"marketId": 9}]}


def what_is_made_of(entry: Any) -> object:
    """The rows of an entry, or why there are none."""
    markets, problems = read_items([entry], Market)
    return [rows_of(market) for market in markets], problems


def changed(entry: Any, place: int | None, name: str, value: Any) -> Any:
    """The entry with another value in a field of its own, or of one of its children."""
    if place is None:
        return entry | {name: value}
    children = [child | ({name: value} if place == at else {}) for at, child in enumerate(entry["childMarkets"])]
    return entry | {"childMarkets": children}


@examples(200)
@given(
    place=st.sampled_from([None, 0, 1]),
    name=st.sampled_from([name for name in MARKET_FIELDS if name != "childMarkets"]),
    values=st.tuples(SCALARS, SCALARS) | st.sampled_from([(1, True), (1, "1"), (1, 1.0), ("", None), (["a"], ["b"])]),
)
def test_entries_of_one_digest_make_the_same_rows_in_an_entry_and_in_its_children(
    place: int | None, name: str, values: tuple[Any, Any]
) -> None:
    one, other = (changed(TOPIC, place, name, value) for value in values)
    if digest_of(one, "") == digest_of(other, ""):
        assert what_is_made_of(one) == what_is_made_of(other)


@pytest.mark.parametrize(
    "same",
    [
        TOPIC | {"incentiveFactor": {"a": 1}},
        dict(reversed(TOPIC.items())),
        changed(TOPIC, 0, "coverUrl", "https://example.org/cover.png"),
        TOPIC | {"slug": None},
    ],
)
def test_what_makes_no_difference_to_the_rows_makes_none_to_the_digest(same: Any) -> None:
    assert digest_of(same, "") == digest_of(TOPIC, "")


@pytest.mark.parametrize(
    "different",
    [
        TOPIC | {"childMarkets": TOPIC["childMarkets"][:1]},
        TOPIC | {"childMarkets": TOPIC["childMarkets"][::-1]},
        TOPIC | {"childMarkets": [None, *TOPIC["childMarkets"]]},
        TOPIC | {"childMarkets": [[child.get(name) for name in MARKET_FIELDS] for child in TOPIC["childMarkets"]]},
    ],
)
def test_other_children_and_lists_that_look_like_children_have_another_digest(different: Any) -> None:
    assert digest_of(different, "") != digest_of(TOPIC, "")


def test_another_reader_has_another_digest_and_what_is_nested_too_deeply_has_none() -> None:
    assert digest_of(TOPIC, "0.1.0") != digest_of(TOPIC, "0.2.0")
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert digest_of(TOPIC | {"rules": deep}, "") == digest_of(deep, "") == b""
