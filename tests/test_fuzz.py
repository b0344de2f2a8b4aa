"""Whatever arrives, be it bytes, JSON, an env file, a time or a list of wallets: our own exception or a true reading.

`OPINIONSCOPE_TEST_ROUNDS=50 pytest tests/test_fuzz.py` tries fifty times as many cases, drawn anew each time.
"""

import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opinionscope.addresses import parse_address
from opinionscope.api.answers import Page, read_detail, read_page, read_result
from opinionscope.api.headers import retry_after_seconds
from opinionscope.api.models import Market, Trade
from opinionscope.env_files import read_env_file
from opinionscope.errors import ApiError, ConfigurationError, UsageError
from opinionscope.jobs.markets.rows import child_row, top_level_row
from opinionscope.jobs.whales.pages import PageReader
from opinionscope.jobs.whales.save import save_page
from opinionscope.jobs.whales.trade_key import trade_key
from opinionscope.jobs.whales.unsaved import Unsaved
from opinionscope.store.database import Store
from opinionscope.store.markets import save_markets
from opinionscope.store.rows import as_real
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales
from opinionscope.times import parse_since, to_seconds_text
from opinionscope.wallet_list import LONGEST_NAME, parse_wallet_list
from tests.rounds import examples

NOW = datetime(2026, 1, 31, 9, 5, 7, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
WALLET = "0x" + "ab" * 20

TRADE = {
    "txHash": "0x1",
    "marketId": 7,
    "side": "Buy",
    "price": "0.5",
    "shares": "10",
    "amount": "5",
    "createdAt": 1_769_000_000,
}
MARKET = {
    "marketId": 7,
    "marketTitle": "Rain?",
    "status": 2,
    "marketType": 0,
    "volume": "1",
    "createdAt": 1_769_000_000,
}
TRADE_FIELDS = [field.alias or name for name, field in Trade.model_fields.items()]
MARKET_FIELDS = [field.alias or name for name, field in Market.model_fields.items()]

NUMBERS = st.one_of(
    st.integers(),
    st.integers(-5, 5),
    st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**30, 10**4000, 253_402_300_799, 253_402_300_800]),
    st.floats(),
    st.decimals(allow_nan=True).map(str),
    st.sampled_from(
        ["1e400", "-0", "0x10", "1_000", "١٢", "٠.٥", "NaN", "sNaN", "inf", " 1 ", "1e-400", "9" * 400, "0" * 40]
    ),
)
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "0", "\ud800", "\x00", "\x1b[2J", "Buy", "SPLIT", "x" * 300])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def objects(sound: dict[str, Any], fields: list[str]) -> st.SearchStrategy[Any]:
    """Sound objects with some of their fields replaced or missing, and anything else at all."""
    news = st.dictionaries(st.sampled_from(fields), NUMBERS | ANYTHING, min_size=1, max_size=3)
    changed = news.map(lambda news: sound | news)
    dropped = st.tuples(changed, st.sets(st.sampled_from(fields), max_size=2)).map(
        lambda pair: {name: value for name, value in pair[0].items() if name not in pair[1]}
    )
    return st.one_of(changed, changed, dropped, ANYTHING)


TRADES = objects(TRADE, TRADE_FIELDS)
MARKETS = objects(MARKET | {"childMarkets": [MARKET | {"marketId": 8}]}, MARKET_FIELDS) | objects(MARKET, MARKET_FIELDS)


def envelopes(items: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Answers in all spellings, sound and unsound, as bytes."""
    listed = st.lists(items, max_size=4)
    results = st.one_of(
        st.fixed_dictionaries({"list": listed | ANYTHING}, optional={"total": NUMBERS | ANYTHING}),
        st.fixed_dictionaries({"data": items}),
        ANYTHING,
    )
    documents = st.one_of(
        st.fixed_dictionaries({"errno": st.just(0), "result": results}, optional={"errmsg": ANYTHING}),
        st.fixed_dictionaries({"code": st.just(0) | ANYTHING, "result": results}, optional={"msg": ANYTHING}),
        st.fixed_dictionaries({"errno": ANYTHING, "errmsg": ANYTHING}, optional={"result": results}),
        st.fixed_dictionaries({"data": listed}, optional={"total": NUMBERS}),
        ANYTHING,
    )
    sound = listed.map(lambda items: {"errno": 0, "errmsg": "", "result": {"list": items, "total": len(items)}})
    return st.one_of(sound, sound, documents).map(as_bytes)


def as_bytes(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=True, default=str).encode()


def read_or_refuse(read: Callable[[], Page[Any]]) -> Page[Any] | None:
    """What was read; None where it was refused in our own words, which fit a log line."""
    page, refusal = None, ""
    try:
        page = read()
    except ApiError as error:
        refusal = str(error)
    assert refusal.isprintable()
    if page is None:
        return None
    assert all(problem.isprintable() for problem in page.problems)
    assert page.length == len(page.items) + len(page.problems)
    assert page.total is None or 0 <= page.total < 2**63
    return page


@examples(150)
@given(envelopes(TRADES) | st.binary(max_size=200))
def test_any_answer_to_a_request_for_trades_is_refused_or_stored_as_it_reads(body: bytes) -> None:
    page = read_or_refuse(lambda: read_page(read_result(body), Trade))
    if page is None or not page.items:
        return
    for trade in page.items:
        assert 0 < trade.created_at <= 253_402_300_799
        assert all(0 <= figure <= 10**15 for figure in (trade.price or 0, trade.tokens, trade.amount))
        assert trade_key(trade) == trade_key(Trade.model_validate(trade.model_dump(by_alias=True)))
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "o.db") as store:
        store.pragma("synchronous = OFF")
        add_whales(store, [(WALLET, None)], "manual", NOW)
        (wallet,) = find_wallets(store)
        read = next(PageReader(lambda number, limit=20: page).pages_from(1))
        for _ in ("new", "known"):
            with store.transaction() as transaction:
                unsaved = Unsaved(transaction, wallet, NOW)
                save_page(wallet, read, unsaved, horizon=LONG_AGO)
                unsaved.save(hours_from=LONG_AGO)
        rows = store.query("SELECT tx_hash, action, amount, price, timestamp FROM whale_activity")
    stored = [tuple(row) for row in rows]
    true = [
        (each.tx_hash, each.side, float(each.amount), as_real(each.price), to_seconds_text(moment(each.created_at)))
        for each in page.items
        if each.is_filled
    ]
    assert sorted(stored, key=str) == sorted(true, key=str)


@examples(150)
@given(envelopes(MARKETS) | st.binary(max_size=200))
def test_any_answer_to_a_request_for_markets_is_refused_or_stored_as_it_reads(body: bytes) -> None:
    page = read_or_refuse(lambda: read_page(read_result(body), Market))
    detail = read_or_refuse(lambda: as_page(read_detail(read_result(body), Market)))
    markets = [*(page.items if page else []), *(detail.items if detail else [])]
    if not markets:
        return
    rows = [top_level_row(market) for market in markets]
    rows += [child_row(market, rows[0]) for market in markets if market.market_id != rows[0].external_id]
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "o.db") as store:
        store.pragma("synchronous = OFF")
        save_markets(store, rows, NOW)
        sql = "SELECT *, market_type = 'categorical' AS is_topic FROM markets"
        stored = {(row["external_id"], bool(row["is_topic"])): row for row in store.query(sql)}
    for market in rows:
        assert stored[market.key]["external_id"] == market.external_id
        assert market.external_id.isdigit()
        assert market.external_id.isascii()
        assert market.volume is None or (math.isfinite(market.volume) and market.volume >= 0)
    last = rows[-1]
    assert dict(stored[last.key]).items() >= last._asdict().items()


def as_page(market: Market) -> Page[Market]:
    return Page([market], None, 1, [])


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@examples(100)
@given(
    st.sampled_from(TRADE_FIELDS), st.booleans() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers())
)
def test_a_value_of_a_type_that_no_field_has_makes_no_row(name: str, value: object) -> None:
    page = read_page({"list": [TRADE | {name: value}], "total": 1}, Trade)
    assert (page.items, len(page.problems)) == ([], 1)


@examples(60)
@given(
    st.integers(1, 3_000), st.sampled_from(["[", '{"errno":0,"result":{"list":[', '{"errno":', '{"code":[', '{"a":'])
)
def test_deep_nesting_is_refused_or_read(depth: int, opening: str) -> None:
    closing_of = {"[": "]", "{": "}"}
    text = opening * depth
    text += "0" + "".join(closing_of[character] for character in reversed(text) if character in closing_of)
    read_or_refuse(lambda: read_page(read_result(text.encode()), Trade))


@examples(150)
@given(
    st.text(max_size=40)
    | st.from_regex(
        r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{1,9} ([+-][0-9]{1,9}|GMT)?", fullmatch=True
    )
    | st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S -1200"))
)
def test_any_retry_after_is_a_wait_or_nothing(header: str) -> None:
    wait = retry_after_seconds(header, NOW)
    assert wait is None or 0 <= wait < math.inf
    later = retry_after_seconds(header, LONG_AGO)
    assert later is None or moment(0) + timedelta(seconds=later)


@examples(100)
@given(st.binary(max_size=120) | st.text(alphabet="AB=\"'\\$\n# é{}export", max_size=60).map(str.encode))
def test_any_env_file_is_read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "env"
        path.write_bytes(content)
        try:
            variables = read_env_file(path)
        except ConfigurationError:
            return
    assert all(isinstance(each, str) for pair in variables.items() for each in pair)


@examples(150)
@given(
    st.text(max_size=30)
    | st.from_regex(r"-?[0-9]{1,12}[smhdwy]?", fullmatch=True)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:]{1,8}(\.[0-9]+)?([+-][0-9:]{1,8}|Z)?)?", fullmatch=True)
)
def test_any_since_is_a_moment_in_utc_or_refused(text: str) -> None:
    try:
        since = parse_since(text, NOW)
    except UsageError:
        return
    assert since.utcoffset() == timedelta(0)
    assert len(to_seconds_text(since)) == 20


@examples(150)
@given(
    st.text(max_size=60)
    | st.from_regex(r"\s?0[xX][0-9a-fA-F]{38,42}\s?")
    | st.from_regex(r"0x[0-9a-f]{40}", fullmatch=True)
)
def test_any_address_is_in_lower_case_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert address == text.strip().lower()
    assert len(address) == 42
    assert int(address, 16) >= 0
    assert address.isascii()


ENTRIES = st.one_of(
    st.just(WALLET),
    st.dictionaries(
        st.sampled_from(["address", "walletAddress", "name", "userName"]), st.just(WALLET) | ANYTHING, max_size=4
    ),
    ANYTHING,
)
LISTS = st.one_of(
    st.text(max_size=100),
    st.lists(
        st.sampled_from([WALLET, f"{WALLET},Ann", f" {WALLET.upper().replace('X', 'x')} , \x1b[2J ", "# x", "", "0x"])
    ).map("\n".join),
    st.lists(ENTRIES, max_size=4).map(lambda entries: as_bytes(entries).decode()),
    st.lists(ENTRIES, max_size=4).map(lambda entries: as_bytes({"result": {"list": entries}}).decode()),
    ANYTHING.map(lambda anything: as_bytes(anything).decode()),
)


@examples(150)
@given(LISTS)
def test_any_list_of_wallets_is_stored_as_it_reads_or_refused_as_a_whole(text: str) -> None:
    try:
        wallets = parse_wallet_list(text)
    except UsageError:
        return
    assert len({address for address, _, _ in wallets}) == len(wallets) > 0
    for address, name, _ in wallets:
        assert parse_address(address) == address
        assert name is None or (0 < len(name) <= LONGEST_NAME and "\n" not in name)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE wallets (address TEXT, name TEXT)")
        named = [(wallet.address, wallet.name) for wallet in wallets]
        connection.executemany("INSERT INTO wallets VALUES (?, ?)", named)
        assert connection.execute("SELECT * FROM wallets").fetchall() == named


def test_an_exact_figure_stays_exact_until_it_is_stored() -> None:
    page = read_page({"list": [TRADE | {"amount": "0.798776000000000001"}], "total": 1}, Trade)
    assert page.items[0].amount == Decimal("0.798776000000000001")
