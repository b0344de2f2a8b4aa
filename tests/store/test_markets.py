"""Markets as they are stored: each once, as it was listed last, and written only when it differs."""

from pathlib import Path

from opinionscope.store.database import Store
from opinionscope.store.markets import find_markets, save_markets
from opinionscope.times import utc_now
from tests.cli.conftest import market


def test_of_a_market_that_is_listed_twice_on_a_page_the_last_one_counts_in_every_run(tmp_path: Path) -> None:
    first, last = market("1", "As a child"), market("1", "By itself")
    with Store.open(tmp_path / "o.db") as store:
        for _ in range(3):
            save_markets(store, [first, last], utc_now())
            assert [market.title for market in find_markets(store)] == ["By itself"]


def test_a_page_of_any_length_is_stored(tmp_path: Path) -> None:
    many = [market(str(number), "Will it rain?") for number in range(1, 40_001)]
    with Store.open(tmp_path / "o.db") as store:
        save_markets(store, many, utc_now())
        assert len(list(find_markets(store, limit=50_000))) == 40_000
