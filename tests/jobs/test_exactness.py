"""No trade is lost and none doubled, whatever happens while a wallet's list is read.

The real reading, saving and purging work on a real database against a list that moves between any two requests.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opinionscope.errors import ApiUnavailable

from .list_model import UNIQUE, Batch, Died, Event, ListModel, Total
from .list_reader import Reader

HUNT = int(os.environ.get("EXACTNESS_HUNT", "0"))
"""How many times as many examples, drawn anew each time: for hunting by hand."""


def examples(number: int) -> settings:
    return settings(
        deadline=None,
        max_examples=number * (HUNT or 1),
        derandomize=not HUNT,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Purge:
    """A cleanup between two runs."""

    age: int
    batch: int


@dataclass(frozen=True)
class Run:
    """A run and what happens in it: `happens` before its single requests, `budget` and `life` how it is cut short."""

    happens: Sequence[Sequence[Event]]
    budget: int
    life: int
    purge: Purge | None


CONTENTS = st.lists(st.integers(UNIQUE, 2), min_size=1, max_size=4).map(tuple)
SIZES = st.one_of(st.integers(1, 50), st.sampled_from([1, 19, 20, 21, 25, 39, 40, 41, 45]))
NEW = st.builds(Batch, count=SIZES, pattern=CONTENTS, spread=st.sampled_from([1, 3, 1_000]), fees=st.integers(1, 2))
LATE = st.builds(
    Batch, count=st.integers(1, 6), pattern=CONTENTS, depth=st.integers(0, 150), fees=st.integers(1, 2)
)
HISTORY = st.lists(
    st.builds(Batch, count=SIZES, pattern=CONTENTS, spread=st.sampled_from([1, 3, 1_000]), fees=st.integers(1, 2)),
    max_size=5,
)
ENDINGS: st.SearchStrategy[Event] = st.sampled_from([ApiUnavailable("503"), Died()])
QUIET: st.SearchStrategy[Sequence[Event]] = st.just(())
HAPPENS = st.lists(
    st.one_of(QUIET, QUIET, st.lists(NEW, min_size=1, max_size=2), st.lists(LATE, min_size=1, max_size=2), ENDINGS.map(lambda e: [e])),
    max_size=12,
)
RUNS = st.lists(
    st.builds(
        Run,
        happens=HAPPENS,
        budget=st.one_of(st.just(1_000), st.integers(0, 12)),
        life=st.one_of(st.just(1_000), st.integers(0, 12)),
        purge=st.none() | st.builds(Purge, age=st.integers(0, 30), batch=st.integers(1, 40)),
    ),
    min_size=1,
    max_size=5,
)


def play(reader: Reader, history: Sequence[Batch], runs: Sequence[Run]) -> None:
    """The history, then each run with what happens in it; nothing may ever be doubled."""
    for batch in history:
        reader.model.add(batch)
    for run in runs:
        reader.model.happens.clear()
        reader.model.happens.extend(run.happens)
        reader.run(run.budget, run.life)
        if run.purge:
            reader.purge(run.purge.age, run.purge.batch)
        reader.check(exact=False)
    reader.model.happens.clear()


@examples(400)
@given(history=HISTORY, runs=RUNS)
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
        assert reader.run() == 1
