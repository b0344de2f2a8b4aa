"""A list of positions that moves, repeats itself, ends early or is partly unreadable."""

from collections.abc import Sequence

import pytest

from opinionscope.api.answers import Page
from opinionscope.api.models import Position
from opinionscope.jobs.positions.listing import PositionList, read_positions


def position(market: int) -> Position:
    return Position.model_validate({"marketId": market, "outcomeSide": 1, "sharesOwned": "5"})


def page(markets: Sequence[int], total: int | None, problems: Sequence[str] = ()) -> Page[Position]:
    return Page([position(each) for each in markets], total, len(markets) + len(problems), list(problems))


def read(*pages: Page[Position]) -> PositionList:
    """What is read where the exchange gives these pages, one after the other."""
    answers = iter(pages)
    return read_positions(lambda number: next(answers))


def markets_of(listed: PositionList) -> list[int]:
    return sorted(int(key.market_id) for key in listed.positions)


@pytest.mark.parametrize(
    "pages",
    [
        [page([1, 2], 4), page([3, 4], 4)],
        [page([1], 4), page([2, 3], 4), page([4], 4)],
        [page([1, 2, 3, 4], 4)],
        [page([1, 2, 3, 4], None), page([], None)],
    ],
)
def test_pages_of_any_length_make_up_the_list(pages: list[Page[Position]]) -> None:
    listed = read(*pages)
    assert (markets_of(listed), listed.is_whole) == ([1, 2, 3, 4], True)


def test_a_wallet_without_positions_has_an_empty_list() -> None:
    listed = read(page([], 0))
    assert (markets_of(listed), listed.is_whole) == ([], True)


def test_a_list_whose_order_changed_is_made_up_from_two_readings() -> None:
    listed = read(page([1, 2], 4), page([2, 3], 4), page([4, 1], 4), page([1, 2], 4))
    assert (markets_of(listed), listed.is_whole) == ([1, 2, 3, 4], True)


def test_a_list_that_changes_while_it_is_read_twice_is_not_whole() -> None:
    listed = read(page([1, 2], 4), page([3, 4], 5), page([], 5), page([1, 2], 5), page([3, 4], 4))
    assert (markets_of(listed), listed.is_whole, listed.problems) == ([1, 2, 3, 4], False, [])


def test_a_list_that_changed_once_is_read_again() -> None:
    listed = read(page([1, 2], 4), page([3, 4], 5), page([], 5), page([1, 2], 3), page([3], 3))
    assert (markets_of(listed), listed.is_whole) == ([1, 2, 3], True)


def test_a_server_that_repeats_its_first_page_is_not_asked_without_end() -> None:
    listed = read(*[page([1, 2], 50)] * 4)
    assert (markets_of(listed), listed.is_whole) == ([1, 2], False)


@pytest.mark.parametrize("pages", [[page([1, 2], 4), page([], 4)], [page([1, 2], 0)]])
def test_a_list_that_is_not_as_long_as_its_total_is_a_problem(pages: list[Page[Position]]) -> None:
    listed = read(*pages)
    assert not listed.is_whole
    assert "the list has 2 positions and a total of" in listed.problems[0]


def test_a_position_that_cannot_be_read_leaves_the_others_readable() -> None:
    listed = read(page([1, 2], 3, ["item 3: sharesOwned: a number is expected"]))
    assert (markets_of(listed), listed.is_whole) == ([1, 2], False)
    assert listed.problems == ["item 3: sharesOwned: a number is expected"]
