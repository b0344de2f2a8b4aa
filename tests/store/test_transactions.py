"""A transaction is whole or it is nothing, and one that fails does not stand in the way of the next."""

from pathlib import Path

import pytest

from opinionscope.errors import StoreError, ValueRefused
from opinionscope.store.database import Store


def insert(store: Store, minute: str, failure: BaseException | None = None) -> None:
    """A transaction that writes a row, and then fails if told so."""
    with store.transaction() as transaction:
        transaction.execute("INSERT INTO request_minutes VALUES (?, 1, 0)", (minute,))
        if failure:
            raise failure


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, StoreError])
def test_an_error_undoes_all_of_it_and_the_next_one_goes_on(tmp_path: Path, failure: type[BaseException]) -> None:
    with Store.open(tmp_path / "o.db") as store:
        with pytest.raises(failure):
            insert(store, "first", failure("in the middle"))
        insert(store, "second")
        assert [row["minute"] for row in store.query("SELECT minute FROM request_minutes")] == ["second"]


def test_an_error_of_the_database_is_told_in_words_that_say_what_to_do(tmp_path: Path) -> None:
    with Store.open(tmp_path / "o.db") as store:
        insert(store, "twice")
        with pytest.raises(ValueRefused, match="UNIQUE"):
            insert(store, "twice")
        assert store.value("SELECT count(*) FROM request_minutes") == 1
