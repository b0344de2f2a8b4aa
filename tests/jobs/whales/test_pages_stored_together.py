"""Pages of a first reading share transactions, and none of them costs another."""

from pathlib import Path

import pytest

from opinionscope.errors import ValueRefused
from opinionscope.jobs.whales import history

from .list_model import Batch, ListModel
from .list_reader import NO_HORIZON, Reader


@pytest.fixture(autouse=True)
def slow_machines_do_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a page takes, it waits for the others."""
    monkeypatch.setattr(history, "_LONGEST_UNSAVED", float("inf"))


def first_reading(tmp_path: Path, count: int) -> Reader:
    model = ListModel()
    model.add(Batch(count, spread=1))
    return Reader(model, tmp_path, horizon=NO_HORIZON)


def test_a_first_reading_takes_few_transactions_although_the_list_moves_and_shows_trades_twice(tmp_path: Path) -> None:
    reader = first_reading(tmp_path, 200)
    reader.model.happens.extend([[Batch(3, spread=1)]] * 11)
    reader.run(transactions=2)
    assert reader.known() == 203, "all that stood in the list when its first page was read"


def test_trades_of_several_pages_are_numbered_in_the_order_in_which_they_happened(tmp_path: Path) -> None:
    reader = first_reading(tmp_path, 150)
    reader.run()
    with reader.store() as store:
        moments = [row[0] for row in store.query("SELECT timestamp FROM whale_activity ORDER BY id")]
    assert len(moments) == 150
    # The last trade of each of the first seven pages comes before, because the page below may show it again.
    assert moments[7:] == sorted(moments[7:])


def test_pages_far_larger_than_asked_for_do_not_pile_up_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = first_reading(tmp_path, 900)
    fetch = reader.model.fetch
    monkeypatch.setattr(reader.model, "fetch", lambda number, limit=20: fetch(number, limit * 15))
    reader.run(transactions=1)
    assert reader.known() == 300


def test_what_was_read_before_the_time_was_over_is_stored(tmp_path: Path) -> None:
    reader = first_reading(tmp_path, 150)
    reader.run(requests=4)
    assert reader.known() == 80
    assert reader.run() <= 7, "the rest is read, and no more of what is known than the newest page and two to join it"
    reader.check(exact=True)


def test_a_trade_that_the_database_refuses_costs_none_of_the_pages_above_it(tmp_path: Path) -> None:
    reader = first_reading(tmp_path, 150)
    reader.model.entries[130] = reader.model.entries[130].model_copy(update={"side": "BURN"})
    with pytest.raises(ValueRefused):
        reader.run()
    assert reader.known() == 120
