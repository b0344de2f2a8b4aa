"""`positions`: what the wallets hold, what is said beside it, and what is left out."""

import json
from datetime import timedelta

import pytest
from rich.cells import cell_len

from opinionscope.store.database import Store
from opinionscope.store.markets import save_markets
from opinionscope.times import to_millis_text, to_seconds_text, utc_now
from tests.cli.conftest import BEHIND, COMPLETE, LARGE_ID, REMOVED, Invoke, market
from tests.cli.terminal import COLOURS, run_on_terminal
from tests.conftest import CommandLine

OPEN, PARTIAL, SOLD, WON, LOST, VOID, UNEXPLAINED, ELSEWHERE, GONE = range(1, 10)
_COLUMNS = (
    "id, whale_address, market_external_id, outcome_side, outcome, buy_shares, buy_amount, sell_shares, sell_amount, "
    "api_shares, api_value, disagrees_since, platform, trade_count, first_traded_at, last_traded_at"
)


@pytest.fixture
def stored(stored: CommandLine) -> CommandLine:
    """The database of the other commands, with positions of every kind."""
    now = utc_now()
    since = to_millis_text(now - timedelta(days=2))
    rows = [
        (OPEN, COMPLETE, "1", 1, None, 100, 40, 0, 0, 100, 56.25, None),
        (PARTIAL, BEHIND, "77", 2, "Nobody", 1000, 900, 0, 0, None, None, None),
        (SOLD, COMPLETE, "1", 2, None, 20_000, 15_000, 20_000, 5_000, None, None, None),
        (WON, COMPLETE, "3", 1, None, 100, 25, 0, 0, None, None, None),
        (LOST, COMPLETE, "3", 2, None, 100, 75, 0, 0, None, None, None),
        (VOID, COMPLETE, "4", 1, None, 10, 5, 0, 0, None, None, None),
        (UNEXPLAINED, COMPLETE, "5", 2, None, 10, 5, 30, 15, None, None, None),
        (ELSEWHERE, COMPLETE, "5", 1, None, 10, 5, 10, 6, 64, 32, since),
        (GONE, REMOVED, "1", 1, None, 9_999, 9_000, 0, 0, None, None, None),
    ]
    traded = ("opinion_trade", 1, to_seconds_text(now), to_seconds_text(now))
    with Store.open(stored.database) as store:
        decided = market("3", "Decided", status="resolved")._replace(result_token_id=LARGE_ID)
        options = [market("5", "Topic: five")._replace(market_type="child", parent_external_id="500")]
        save_markets(store, [decided, market("4", "Failed", status="failed"), *options], now)
        with store.transaction() as transaction:
            transaction.executemany(
                f"INSERT INTO positions ({_COLUMNS}) VALUES ({', '.join('?' * 16)})",
                [(*row, *traded) for row in rows],
            )
    return stored


def ids(invoke: Invoke, *words: str) -> list[int]:
    return [position["id"] for position in json.loads(invoke("positions", "--json", *words).stdout)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [PARTIAL, OPEN, ELSEWHERE]),
        (["--state", "exited"], [SOLD, UNEXPLAINED, ELSEWHERE]),
        (["--state", "won"], [WON]),
        (["--state", "lost"], [LOST]),
        (["--state", "void"], [VOID]),
        (["--state", "all", "--whale", "ann", "--limit", "2"], [LOST, OPEN]),
        (["--state", "all", "--sort", "profit", "--limit", "1"], [WON]),
        (["--market", "1"], [OPEN]),
        (["--market", "topic:500", "--state", "all"], [UNEXPLAINED, ELSEWHERE]),
        (["--min-exposure", "40.01"], [PARTIAL]),
        (["--whale", REMOVED], [GONE]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_options_choose_the_positions(invoke: Invoke, words: list[str], expected: list[int]) -> None:
    assert ids(invoke, *words) == expected


def test_json_has_the_sums_and_what_follows_from_them(invoke: Invoke) -> None:
    found = {row["id"]: row for row in json.loads(invoke("positions", "--state", "all", "--json").stdout)}
    figures = ("net_shares", "cost_per_share", "exposure", "realized", "unrealized", "settled", "unexplained_shares")

    assert {row: tuple(found[row][name] for name in figures) for row in (OPEN, SOLD, WON, LOST, UNEXPLAINED)} == {
        OPEN: (100.0, 0.4, 40.0, 0.0, 16.25, 0.0, 0.0),
        SOLD: (0.0, 0.75, 0.0, -10_000.0, 0.0, 0.0, 0.0),
        WON: (100.0, 0.25, 25.0, 0.0, 0.0, 75.0, 0.0),
        LOST: (100.0, 0.75, 75.0, 0.0, 0.0, -75.0, 0.0),
        UNEXPLAINED: (0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 20.0),
    }
    assert (found[OPEN]["market_title"], found[OPEN]["outcome"], found[OPEN]["mark"]) == (
        "Will it rain?",
        "YES",
        0.5625,
    )
    assert (found[PARTIAL]["outcome"], found[PARTIAL]["is_partial"], found[OPEN]["is_partial"]) == (
        "Nobody",
        True,
        False,
    )
    assert found[PARTIAL]["unrealized"] is None
    assert {"buy_shares", "sell_amount", "fees", "checked_at", "disagrees_since"} < set(found[OPEN])


def test_an_outcome_without_a_label_is_not_guessed(invoke: Invoke, stored: CommandLine) -> None:
    with Store.open(stored.database) as store, store.transaction() as transaction:
        transaction.execute("UPDATE positions SET outcome = NULL WHERE id = ?", (PARTIAL,))

    assert json.loads(invoke("positions", "--json").stdout)[0]["outcome"] is None
    assert "side 2" in invoke("positions").stdout


def test_what_has_to_be_said_of_a_position_is_marked_and_explained(invoke: Invoke) -> None:
    held, sold = invoke("positions").stdout, invoke("positions", "--state", "exited").stdout

    assert "~  the wallet's history is incomplete" in held
    assert "!  the exchange shows a different number of shares" in held
    assert "64 shares, since" in held
    assert "?  more shares were sold than bought" in sold
    assert "incomplete" not in sold


def test_a_limit_says_how_much_it_leaves_out(invoke: Invoke) -> None:
    assert "2 of 3 positions; use --limit to show more.\n" in invoke("positions", "--limit", "2").stdout
    assert "--limit" not in invoke("positions", "--limit", "3").stdout


@pytest.mark.parametrize(
    "words", [["--state", "held"], ["--sort", "size"], ["--whale", "Nobody"], ["--market", "x"]], ids=" ".join
)
def test_a_bad_option_is_wrong_usage(invoke: Invoke, words: list[str]) -> None:
    assert invoke("positions", *words).exit_code == 2


def test_the_narrowest_terminal_keeps_whale_outcome_exposure_and_marks(stored: CommandLine) -> None:
    shown = COLOURS.sub("", run_on_terminal(stored, "positions", width=60))

    assert max(map(cell_len, shown.splitlines())) <= 60
    for expected in ("Ann", "YES", "Nobody", "900.00", "40.00", "~", "!"):
        assert expected in shown
