"""A run that leaves alone what it knows from the last one stores what a run that knows nothing does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.api.answers import read_items
from opinionscope.jobs.markets import list_saver, save
from opinionscope.jobs.markets.list_saver import ListSaver
from opinionscope.jobs.markets.rows import rows_of
from opinionscope.jobs.markets.save import MarketSaver
from opinionscope.jobs.result import JobResult
from opinionscope.store.database import Store
from opinionscope.store.markets import MarketKey, find_market, save_markets
from tests.rounds import examples

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def entry(number: int, title: str = "Rain?", **fields: Any) -> dict[str, Any]:
    return {"marketId": number, "marketTitle": title, "status": 2, "marketType": 0, "volume": "1"} | fields


def topic(number: int, *children: Any, **fields: Any) -> dict[str, Any]:
    return entry(number, "Which?", marketType=1, childMarkets=list(children), **fields)


TOPIC = topic(7, entry(71), entry(72))
BINARY = entry(8)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "o.db") as store:
        yield store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The entries that had to be read."""
    entries: list[Any] = []

    def noting(items: list[Any], model: Any) -> Any:
        entries.extend(items)
        return read_items(items, model)

    monkeypatch.setattr(list_saver, "read_items", noting)
    return entries


def sync(store: Store, *pages: list[Any], now: datetime = NOON) -> tuple[JobResult, set[MarketKey], list[Any]]:
    """A run that reads these pages; its result, what it counts as listed, and what it says of the entries."""
    result = JobResult()
    saver = MarketSaver(store, now, result)
    listing = ListSaver(store, saver, now)
    told = [listing.save(page) for page in pages]
    return result, saver.stored, [(sorted(keys), problems) for keys, problems in told]


def rows(store: Store) -> list[tuple[Any, ...]]:
    sql = "SELECT * FROM markets ORDER BY external_id, market_type"
    return [tuple(row) for row in store.query(sql)]


def test_only_what_has_changed_is_read_and_stored(store: Store, read: list[Any]) -> None:
    sync(store, [TOPIC, BINARY])
    later = NOON + timedelta(minutes=5)
    renamed = topic(7, entry(71), entry(72, "Snow?"))
    read.clear()
    for listed, news in (([BINARY, TOPIC], []), ([BINARY, renamed], [renamed]), ([renamed, BINARY], [])):
        result, stored, _ = sync(store, listed, now=later)
        assert (read, result.item_count, len(stored)) == (news, 4, 4)
        read.clear()
    changed = store.query("SELECT title FROM markets WHERE updated_at > '2026-01-31T12:00:00Z'")
    assert [row[0] for row in changed] == ["Which?: Snow?"]


@pytest.mark.parametrize("key", [MarketKey("7", True), MarketKey("72", False), MarketKey("8", False)])
def test_what_a_lookup_has_changed_is_stored_again_when_the_list_says_the_same_as_before(
    store: Store, key: MarketKey
) -> None:
    sync(store, [TOPIC, BINARY])
    before = rows(store)
    row = find_market(store, key)
    assert row
    save_markets(store, [row._replace(status="deleted")], NOON)
    assert rows(store) != before
    sync(store, [TOPIC, BINARY])
    assert rows(store) == before


def test_what_anybody_else_has_changed_or_deleted_is_stored_again(store: Store) -> None:
    sync(store, [TOPIC, BINARY])
    before = rows(store)
    with store.transaction() as transaction:
        transaction.execute("UPDATE markets SET title = 'Nothing' WHERE external_id = '8'")
        transaction.execute("DELETE FROM markets WHERE external_id = '71'")
    sync(store, [TOPIC, BINARY])
    assert rows(store) == before


@pytest.mark.parametrize("moved", ["__version__", "day"])
def test_another_release_and_the_first_run_of_a_day_make_all_rows_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    with monkeypatch.context() as older:
        older.setattr(save, "rows_of", lambda market: ([row._replace(url=None) for row in rows_of(market)[0]], []))
        sync(store, [TOPIC, BINARY])
    sync(store, [TOPIC, BINARY])
    assert store.value("SELECT count(url) FROM markets") == 0, "this release takes what it has stored for its own"
    if moved == "__version__":
        monkeypatch.setattr(list_saver, "__version__", "99.0")
    sync(store, [TOPIC, BINARY], now=NOON + timedelta(days=moved == "day"))
    assert store.value("SELECT count(url) FROM markets") == 4


def test_what_cannot_be_read_fails_in_every_run(store: Store) -> None:
    broken = topic(7, entry(71), entry(72, status=9))
    for _ in range(3):
        result, stored, _ = sync(store, [broken, entry(8, status=9)])
        assert (result.failed_count, len(stored)) == (1, 2)


ONE, OTHER = topic(5, entry(71)), topic(6, entry(71))


@pytest.mark.parametrize("before", [[], [[ONE]], [[OTHER]], [[ONE], [topic(6)]], [[topic(5)], [OTHER]]])
@pytest.mark.parametrize("pages", [[[ONE, OTHER]], [[ONE], [OTHER]]])
def test_of_a_market_that_two_topics_have_the_last_one_counts(
    store: Store, before: list[list[Any]], pages: list[list[Any]]
) -> None:
    sync(store, *before)
    parents = []
    for _ in range(4):
        sync(store, *pages)
        parents += [row[0] for row in store.query("SELECT parent_external_id FROM markets WHERE external_id = '71'")]
    # On one page, a topic may be taken for unchanged once more before it is found to share a market.
    assert set(parents[2 - len(pages) :]) == {"6"}


def test_a_market_nested_too_deeply_to_be_known_again_is_stored_as_often_as_it_changes(store: Store) -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    for title in ("Rain?", "Snow?"):
        sync(store, [topic(7, entry(71, title, childMarkets=deep))])
        assert store.value("SELECT title FROM markets WHERE external_id = '71'") == f"Which?: {title}"


FIELDS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "marketTitle": st.sampled_from(["Snow?", None]),
        "status": st.sampled_from([1, 4, "2", 9]),
        "volume": st.sampled_from(["2", 3, "", "-1"]),
        "rules": st.sampled_from(["Some", ""]),
        "unread": st.integers(0, 2),
    },
)


@st.composite
def lists(draw: st.DrawFn) -> list[list[Any]]:
    """A list in pages of two, in any order, in which an entry may come twice."""
    numbers = draw(st.lists(st.integers(1, 4), max_size=6))
    entries: dict[int, Any] = {}
    for number in numbers:
        children = draw(st.lists(st.integers(1, 3), max_size=2, unique=True)) if number % 2 else []
        fields: Any = draw(FIELDS)
        made = [entry(10 * number + child, **draw(FIELDS)) for child in children]
        entries.setdefault(number, (topic(number, *made) if number % 2 else entry(number)) | fields)
    listed = [entries[number] for number in numbers]
    return [listed[start : start + 2] for start in range(0, len(listed), 2)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    folder = tmp_path_factory.mktemp("pair")
    with Store.open(folder / "knowing.db") as knowing, Store.open(folder / "forgetful.db") as forgetful:
        yield knowing, forgetful


@examples(60)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 2]), st.sampled_from([{}, {"title": "Fog?"}, {"status": "resolved"}])),
        max_size=6,
    ),
    pool=st.lists(lists(), min_size=3, max_size=3),
)
def test_after_any_lists_and_changes_by_lookups_the_rows_are_those_of_a_run_that_knows_nothing(
    pair: tuple[Store, Store], runs: list[tuple[int, Any]], pool: list[list[list[Any]]]
) -> None:
    for store in pair:
        with store.transaction() as transaction:
            transaction.execute("DELETE FROM markets")
    for minute, (number, changes) in enumerate(runs):
        now = NOON + timedelta(minutes=minute)
        outcomes = []
        for store in pair:
            if store is pair[1]:
                with store.transaction() as transaction:
                    transaction.execute("DELETE FROM listed_markets")
            outcomes.append((sync(store, *pool[number], now=now), rows(store)))
            known = [find_market(store, MarketKey(*key)) for key in (("1", True), ("2", False), ("31", False))]
            save_markets(store, [row._replace(**changes) for row in known if row], now)
        assert outcomes[0] == outcomes[1]
