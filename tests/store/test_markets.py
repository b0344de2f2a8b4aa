"""Markets as they are stored: each once, as it was listed last, and written only when it differs."""

from pathlib import Path

import pytest

from opinionscope.store.database import Store
from opinionscope.store.markets import MarketRow, find_markets, save_markets
from opinionscope.store.positions import PositionChange, PositionKey, add_to_positions
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


KNOWN = market("1", "Will it rain?")._replace(yes_token_id="11", no_token_id="12")


@pytest.mark.parametrize(
    ("known", "news", "is_due"),
    [
        (KNOWN, KNOWN._replace(status="resolved", result_token_id="12"), True),
        (KNOWN, KNOWN._replace(result_token_id="12"), True),
        (KNOWN, KNOWN._replace(yes_token_id="13"), True),
        (KNOWN, KNOWN._replace(parent_external_id="5", market_type="child"), True),
        (None, KNOWN, True),
        (KNOWN, KNOWN._replace(volume=7.0, title="Will it snow?"), False),
        (KNOWN, KNOWN._replace(market_type="categorical", status="failed"), False),
    ],
)
def test_figures_of_positions_are_due_again_when_there_is_news_of_their_markets_result(
    tmp_path: Path, known: MarketRow | None, news: MarketRow, is_due: bool
) -> None:
    with Store.open(tmp_path / "o.db") as store:
        save_markets(store, [known] if known else [], utc_now())
        with store.transaction() as transaction:
            for number in ("1", "2"):
                add_to_positions(transaction, "0xa", {PositionKey(number, 1): PositionChange(seconds={1: 1})})
            transaction.execute("UPDATE positions SET figures_due = 0")
        save_markets(store, [news], utc_now())
        due = store.query("SELECT market_external_id FROM positions WHERE figures_due = 1")
        assert [row[0] for row in due] == (["1"] if is_due else [])
