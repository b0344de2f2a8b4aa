"""What becomes of a history on servers that lag, cache, reorder, correct, cap and cut, each driven by random schedules.

The promise on all of them: "complete" is never said of a history that is not, and once the servers agree what is
known is what they list. Of lists whose order changes within a second it is that nothing false is called complete.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rounds import examples

from .schedules import ROWS, Outcome, play

SEEDS = st.integers(0, 10**6)

EXACT = ("honest", "replicas", "page 1 cached", "all pages cached", "last page repeated", "limit cut to 10")
TIES = ("ties by page", "ties at random", "ties as a heap", "order of indexing")
CORRECTED = ("corrections", "numbers respelled", "market merged", "field filled")
CUT = ("deep pages refused", "deep pages broken")
BUSY = ("busy, total capped", "busy, total stale", "busy, total ±2 %")


def play_row(name: str, seed: int) -> Outcome:
    with TemporaryDirectory() as folder:
        return play(ROWS[name], seed, Path(folder))


@pytest.mark.parametrize("name", EXACT)
@examples(12)
@given(seed=SEEDS)
def test_every_trade_is_there_once_when_the_servers_agree(name: str, seed: int) -> None:
    outcome = play_row(name, seed)
    assert not outcome.falsely_complete
    assert outcome.complete
    assert not (outcome.lost)
    assert not (outcome.doubled)
    assert not (outcome.failed_runs)


@pytest.mark.parametrize("name", TIES)
@examples(8)
@given(seed=SEEDS)
def test_a_history_whose_order_changes_is_not_called_complete_while_it_is_not(name: str, seed: int) -> None:
    outcome = play_row(name, seed)
    assert not outcome.falsely_complete
    assert not outcome.failed_runs


@pytest.mark.parametrize("name", CORRECTED)
@examples(12)
@given(seed=SEEDS)
def test_what_the_exchange_corrects_is_healed_within_a_day(name: str, seed: int) -> None:
    outcome = play_row(name, seed)
    assert not outcome.falsely_complete
    assert outcome.complete
    assert not (outcome.lost)
    assert not (outcome.doubled)
    assert outcome.hours < 24


@examples(8)
@given(seed=SEEDS)
def test_a_total_that_is_one_too_low_loses_no_late_fill(seed: int) -> None:
    outcome = play_row("total one too low", seed)
    assert not outcome.falsely_complete
    assert not (outcome.lost)
    assert not (outcome.doubled)


@pytest.mark.parametrize("name", CUT)
@examples(5)
@given(seed=SEEDS)
def test_pages_that_the_exchange_does_not_give_fail_two_runs_at_most(name: str, seed: int) -> None:
    outcome = play_row(name, seed)
    assert outcome.failed_runs <= 2
    assert not (outcome.doubled)
    assert not (outcome.falsely_complete)
    assert not (outcome.complete)
    assert outcome.requests < 6 * outcome.runs


@pytest.mark.parametrize("name", BUSY)
def test_a_total_that_lies_costs_ten_requests_a_run_at_most(name: str) -> None:
    outcome = play_row(name, 1)
    assert not outcome.doubled
    assert not outcome.falsely_complete
    reading_all_of_it_first = 46
    assert outcome.requests <= 10 * outcome.runs + reading_all_of_it_first


def test_a_busy_wallet_is_complete_in_nearly_all_runs_for_eight_requests_each() -> None:
    outcome = play_row("busy, honest", 1)
    assert not (outcome.lost)
    assert not (outcome.doubled)
    assert outcome.complete_runs >= 38
    assert outcome.requests <= 8 * outcome.runs
