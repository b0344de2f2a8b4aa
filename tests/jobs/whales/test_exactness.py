"""No trade is lost and none doubled, whatever happens while a wallet's list is read.

The real reading, saving and purging work on a real database against a list that moves between any two requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opinionscope.errors import ApiUnavailable
from tests.rounds import examples

from .list_model import UNIQUE, Batch, Died, Event, ListModel, Purge, Total
from .list_reader import Reader


@dataclass(frozen=True)
class Run:
    """A run: what `happens` before its single requests, and after how many requests or transactions it is cut short."""

    happens: Sequence[Sequence[Event]]
    requests: int
    transactions: int


CONTENTS = st.lists(st.integers(UNIQUE, 2), min_size=1, max_size=4).map(tuple)
SIZES = st.one_of(st.integers(1, 50), st.sampled_from([1, 19, 20, 21, 25, 39, 40, 41, 45]))
NEW = st.builds(Batch, count=SIZES, pattern=CONTENTS, spread=st.sampled_from([1, 3, 1_000]), fees=st.integers(1, 2))
LATE = st.builds(Batch, count=st.integers(1, 6), pattern=CONTENTS, depth=st.integers(0, 150), fees=st.integers(1, 2))
PURGE = st.builds(Purge, age=st.integers(0, 30), batch=st.integers(1, 40))
END = st.sampled_from([ApiUnavailable("503"), Died()])


def some(event: st.SearchStrategy[Any]) -> st.SearchStrategy[Sequence[Event]]:
    return st.lists(event, min_size=1, max_size=2)


HAPPENS = st.one_of(st.just(()), st.just(()), some(NEW), some(LATE), some(NEW | LATE | PURGE), some(END))
CUT = st.one_of(st.just(1_000), st.integers(0, 12))
RUNS = st.lists(
    st.builds(Run, happens=st.lists(HAPPENS, max_size=12), requests=CUT, transactions=CUT), min_size=1, max_size=5
)
HISTORY = st.lists(NEW, max_size=5)


def fails_twice_at_most(runs: Sequence[Run]) -> bool:
    """A page that fails in three runs is taken for the end of what the exchange lists, and left alone for an hour."""
    events = ([event for events in run.happens for event in events] for run in runs)
    return sum(any(isinstance(event, ApiUnavailable) for event in each) for each in events) < 3


def play(reader: Reader, history: Sequence[Batch], runs: Sequence[Run]) -> None:
    """The history, then each run with what happens in it; nothing may ever be doubled."""
    for batch in history:
        reader.model.add(batch)
    for run in runs:
        reader.model.happens.clear()
        reader.model.happens.extend(run.happens)
        reader.run(run.requests, run.transactions)
        reader.check(exact=False)
    reader.model.happens.clear()


# 40 new trades push the pages of a long second down, so that they come again after a page that ends with an older one.
LONG_SECOND = [Batch(1, (0,), spread=1), Batch(2, (0,), spread=1), Batch(23, (0,), spread=1), Batch(40, (0, UNIQUE))]
PUSHED_DOWN = ((),) * 5 + ([Batch(1, (0,), spread=1), Batch(39, (1,), spread=1)], (), (), [Batch(1)], [Purge(0, 1)])

# A search is cut short below a trade that is listed late, and goes on in the next run: it passes over that trade.
TIES = [
    Batch(19, (2, UNIQUE, 0, UNIQUE)),
    Batch(39, (UNIQUE, 0, UNIQUE), spread=1, fees=2),
    Batch(44, (1,), fees=2),
    Batch(4, (2, 0, 0), spread=1),
    Batch(1, (0, 2, UNIQUE, 2), spread=1, fees=2),
]
NEW_AND_LATE = ([Batch(40, (0,), spread=1)], [Batch(1, (1, 0, 0, 0), depth=45)], [Batch(42, (0,), spread=1)])
PASSED_OVER = [
    Run(((),) * 4 + ([ApiUnavailable("503")],), 1_000, 1_000),
    Run((), 1_000, 1_000),
    Run(NEW_AND_LATE, 1_000, 1_000),
    Run(((), (), (), [Batch(1, (0,), depth=37)]), 7, 1_000),
]

# A second is read upwards, and these later answers show what came on top meanwhile: more than the page below counts.
ONE_SECOND = [Batch(46, (0,)), Batch(25, (0,), spread=1)]
GROWN_SINCE = ((),) * 5 + ([Batch(39, (0,), spread=1)], [Batch(44, (0,), spread=1)])


# While a second is read upwards, trades slide from one page to the next and are on neither: it shows too few of them.
TWO_KINDS = [Batch(1, (1,)), Batch(20, (0,))]
SLIDING: Sequence[Sequence[Event]] = (
    (),
    [Batch(1, (0,), spread=1), Batch(7, (0,), spread=1)],
    [Purge(0, 1), Batch(3, (0,), spread=1)],
)

# The one answer that shows a second whole comes after new trades have pushed that second out of it.
PUSHED_OUT = ([Batch(1, (0,)), Batch(5, (0,), depth=15)], (), [Batch(6, (0,), spread=1)])

# The trades of a second are only counted. Then so much comes on top that its pages begin with other seconds when they
# are read upwards.
OF_ONE_KIND = [Batch(1, (0,)), Batch(70, (0,)), Batch(20, (UNIQUE,)), Batch(9, (0,), spread=1)]
PUSHED_OFF = ((),) * 4 + ([Purge(0, 1)], [Batch(15, (0,), spread=1)])

# The one answer that shows two equal trades together fails, and fails again.
UNANSWERED = [Run(((), (), [ApiUnavailable("503")]), 1_000, 1_000)] * 2


@examples(60)
@given(history=HISTORY, runs=RUNS.filter(fails_twice_at_most))
@example(history=[Batch(21, (0,), spread=3)], runs=UNANSWERED)
@example(history=[Batch(15, (0,), spread=1)], runs=[Run((), 1_000, 1_000), Run(PUSHED_OUT, 1_000, 1_000)])
@example(history=OF_ONE_KIND, runs=[Run(PUSHED_OFF, 1_000, 1_000)])
@example(history=TIES, runs=PASSED_OVER)
@example(history=TWO_KINDS, runs=[Run(SLIDING, 1_000, 1_000)])
@example(history=ONE_SECOND, runs=[Run(GROWN_SINCE, 1_000, 1_000)])
@example(history=LONG_SECOND, runs=[Run(PUSHED_DOWN, 1_000, 1_000)])
def test_two_runs_after_the_trading_stops_every_trade_is_there_once(
    history: Sequence[Batch], runs: Sequence[Run]
) -> None:
    with TemporaryDirectory() as folder:
        reader = Reader(ListModel(), Path(folder))
        play(reader, history, runs)
        reader.run()
        reader.check(exact=False)
        reader.run()
        reader.check(exact=True)
        reader.look_at_young_trades_again()
        assert reader.run() == 1


LIES: dict[str, Total] = {
    "one too many": lambda total: total + 1,
    "seven too few": lambda total: max(0, total - 7),
    "none": lambda total: 0,
    "not told": lambda total: None,
    "stuck": lambda total: 33,
    "huge": lambda total: 10**9,
    "capped": lambda total: min(total, 50),
    "erratic": lambda total: total * 7_919 % 101,
}


@examples(30)
@given(history=HISTORY, runs=RUNS, lies=st.lists(st.sampled_from(sorted(LIES)), min_size=1, max_size=3))
def test_a_total_that_lies_doubles_nothing_and_once_it_is_honest_all_is_there(
    history: Sequence[Batch], runs: Sequence[Run], lies: Sequence[str]
) -> None:
    with TemporaryDirectory() as folder:
        reader = Reader(ListModel(), Path(folder))
        for number, lie in enumerate(lies):
            reader.model.claim = LIES[lie]
            play(reader, history if number == 0 else (), runs)
            pages = len(reader.model.entries) // 20 + 2
            assert reader.run() <= 2 * pages + pages**2 // 2
            reader.check(exact=False)
        reader.model.claim = lambda total: total
        reader.now += timedelta(hours=1)
        for _ in range(4 + len(reader.model.entries) // 500):
            reader.run()
            reader.check(exact=False)
        reader.check(exact=True)


# What is listed late below the first pages, after a reading that found nothing missing, is searched for at once.
LATE_BELOW = [
    Run((), 1_000, 1_000),
    Run(([Batch(28, (0,), spread=1)], [Batch(1, (0,)), Batch(1, (0,), depth=78)]), 1_000, 1_000),
]


@examples(25)
@given(history=HISTORY, runs=RUNS, age=st.integers(0, 30), later=HISTORY)
@example(history=[], runs=LATE_BELOW, age=0, later=[Batch(21, (0,), spread=1)])
def test_after_an_upgrade_each_trade_is_in_its_position_once_its_list_has_been_read_again(
    history: Sequence[Batch], runs: Sequence[Run], age: int, later: Sequence[Batch]
) -> None:
    with TemporaryDirectory() as folder:
        reader = Reader(ListModel(), Path(folder))
        play(reader, history, runs)
        reader.run()
        reader.run()
        reader.purge(Purge(age, 1_000))
        reader.go_back_a_release(8)
        play(reader, later, runs)
        for _ in range(3):
            reader.run()
        assert reader.unsummed() == 0
        reader.check(exact=True)


def reader_of(folder: Path, *history: Batch) -> Reader:
    reader = Reader(ListModel(), folder)
    for batch in history:
        reader.model.add(batch)
    return reader


def test_a_late_trade_in_a_page_of_one_second_below_a_page_of_another_is_no_other_one_respelled(tmp_path: Path) -> None:
    one, other = Batch(23), Batch(28, pattern=(0,))
    reader = reader_of(tmp_path, Batch(11, spread=1), one, Batch(2, spread=1), other, Batch(31, spread=1))
    reader.run()
    reader.purge(Purge(0, 1_000))
    reader.model.add(Batch(1, depth=65))
    reader.run()
    reader.check(exact=True)


def test_two_pages_of_new_trades_between_two_requests_do_not_bring_back_what_was_read(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(100, spread=1))
    reader.model.happens.extend([(), [Batch(40, spread=1)]])
    reader.run()
    reader.check(exact=False)
    reader.run()
    reader.check(exact=True)


@pytest.mark.parametrize("pattern", [(0,), (0, 1), (0, 1, 2), (0, 0, 1)])
@pytest.mark.parametrize("count", [25, 40, 45, 130])
@pytest.mark.parametrize("above", [0, 7, 19, 20])
def test_equal_fills_that_fill_pages_all_count_in_the_first_run(
    tmp_path: Path, pattern: tuple[int, ...], count: int, above: int
) -> None:
    reader = reader_of(tmp_path, Batch(30, spread=1), Batch(count, pattern=pattern), Batch(above, spread=1))
    reader.run()
    reader.check(exact=True)


def test_equal_fills_on_a_page_boundary_count_although_the_list_moves(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(60, spread=1), Batch(45, pattern=(0,)), Batch(10, spread=1))
    reader.model.happens.extend([[Batch(3, spread=1)]] * 8)
    reader.run()
    reader.check(exact=False)
    reader.run()
    reader.check(exact=True)


def test_equal_fills_with_different_fees_are_stored_with_their_own(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(30, pattern=(0,), fees=2))
    reader.run()
    reader.model.add(Batch(12, pattern=(0,), fees=3))
    reader.run()
    reader.check(exact=True)


def test_a_history_read_over_many_runs_leaves_no_gap_where_new_trades_came_in(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(2_000, spread=2))
    runs = 0
    while len(reader.model.entries) - reader.known() > 100 and runs < 40:
        reader.model.happens.extend([[Batch(5, spread=1)]] * 12)
        reader.run(requests=12)
        runs += 1
    assert runs < 40
    assert reader.run() < 25, "what is left is read, not everything again"
    reader.check(exact=True)


def test_equal_fills_are_complete_where_one_run_stopped_between_them_and_the_next_goes_on(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(200, spread=1), Batch(15, pattern=(0,)), Batch(12, spread=1))
    reader.run(requests=1)
    reader.model.add(Batch(5, spread=1))
    pages = len(reader.model.entries) // 20 + 1
    assert reader.run() <= pages + 2, "the first page once more, and an answer across the cut"
    reader.check(exact=True)


def test_a_history_is_read_to_its_end_although_the_list_moves_and_no_total_is_told(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(100, spread=1))
    reader.model.claim = LIES["not told"]
    reader.model.happens.extend([(), [Batch(3, spread=1)], [Batch(3, spread=1)]])
    reader.run()
    reader.run()
    reader.check(exact=True)


def test_a_busy_wallets_history_is_read_on_where_the_run_before_left_it(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, Batch(1_500, spread=2))
    requests = 0
    for _ in range(4):
        requests += reader.run(requests=50)
        reader.model.add(Batch(500, spread=3))
    requests += reader.run()
    reader.check(exact=True)
    pages = len(reader.model.entries) // 20
    assert requests < 1.3 * pages


@pytest.mark.parametrize("lie", ["one too many", "seven too few", "none", "stuck", "huge", "capped"])
def test_a_total_that_stays_wrong_is_looked_into_less_and_less(tmp_path: Path, lie: str) -> None:
    reader = reader_of(tmp_path, Batch(400, spread=1))
    reader.model.claim = LIES[lie]
    requests = [reader.run() for _ in range(60)]
    reader.check(exact=True)
    assert max(requests) < 50
    assert sum(count > 1 for count in requests) < 8


@pytest.mark.parametrize("late", [[], [Batch(1, depth=65)]])
def test_a_second_that_fills_the_page_below_a_longer_one_is_not_taken_for_gone(
    tmp_path: Path, late: list[Batch]
) -> None:
    reader = reader_of(tmp_path, Batch(41, (1, 0, 2, 0)), Batch(2, (0,), spread=1))
    reader.run()
    reader.purge(Purge(0, 1_000))
    for batch in (Batch(39, (0,)), *late):
        reader.model.add(batch)
    reader.run()
    reader.check(exact=True)
