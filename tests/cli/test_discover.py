"""`whales discover`: the leaderboard, beside what is known of its wallets."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from opinionscope.cli.app import app
from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now

WALLETS = [f"0x{digit * 40}" for digit in "123"]


class Board:
    """A leaderboard that says what a test has it say, on a host of its own, and a database."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "opinionscope.db"
        self.exchange = Exchange(wallets=6)
        self.server = ExchangeServer(self.exchange, rate_limit=None)
        self.elsewhere = ExchangeServer(Exchange(wallets=1), rate_limit=None)

    def says(self, monkeypatch: pytest.MonkeyPatch, *entries: Any) -> None:
        monkeypatch.setattr(self.exchange, "leaderboard", lambda *_: list(entries))

    def discover(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["whales", "discover", *words, "--db", str(self.database)])

    def places(self, *words: str) -> list[dict[str, Any]]:
        return list(json.loads(self.discover("--json", *words).stdout))

    def whales(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT address, name, source, enabled FROM whales ORDER BY address").fetchall()


@pytest.fixture
def board(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    board = Board(tmp_path)
    with board.server, board.elsewhere:
        monkeypatch.setenv("OPINION_TRADE_API_KEY", "a-key-of-the-tests")
        monkeypatch.setenv("OPINION_TRADE_BASE_URL", board.elsewhere.url)
        monkeypatch.setenv("OPINION_TRADE_LEADERBOARD_URL", board.server.leaderboard_url)
        monkeypatch.setenv("OPINIONSCOPE_MAX_ATTEMPTS", "1")
        yield board


def entry(address: str, name: str | None = None, figure: Any = "5.5") -> dict[str, Any]:
    return {"walletAddress": address, "userName": name, "rankingValue": figure, "avatar": "x"}


def test_the_leaderboard_is_shown_as_the_exchange_ranks_it_and_asked_for_nowhere_else(board: Board) -> None:
    places = board.places("--by", "Profit", "--period", "all", "--limit", "4")
    assert [place["rank"] for place in places] == [1, 2, 3, 4]
    assert places == sorted(places, key=lambda place: -place["figure"])
    assert not any(place["tracked"] or place["flagged"] for place in places)
    target = board.server.requests[-1].target
    assert target.endswith("/leaderboard?limit=4&dataType=profit&chainId=56&period=0")
    assert board.elsewhere.requests == []
    assert not board.database.exists()


def test_rankings_by_volume_come_with_a_warning_beside_the_output(board: Board) -> None:
    result = board.discover("--by", "volume", "--json")
    assert "list farmers first" in result.stderr
    assert json.loads(result.stdout)


def test_adding_tracks_what_is_new_and_leaves_the_names_that_were_given_here(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.says(monkeypatch, *(entry(address, f"theirs {address[-1]}") for address in WALLETS))
    with Store.open(board.database) as store:
        add_whales(store, [(WALLETS[0], "mine"), (WALLETS[1], "mine too")], "manual", utc_now())
        with store.transaction() as transaction:
            transaction.execute("UPDATE whales SET enabled = address = ?", (WALLETS[0],))
            transaction.execute("UPDATE whales SET flagged = 1, stats_updated_at = added_at")

    assert [(place["tracked"], place["flagged"]) for place in board.places()] == [
        (True, True),
        (False, True),
        (False, None),
    ]
    assert board.discover("--add").stdout.endswith("2 wallets added, 1 already tracked.\n")
    assert board.whales() == [
        (WALLETS[0], "mine", "manual", 1),
        (WALLETS[1], "mine too", "manual", 1),
        (WALLETS[2], "theirs 3", "leaderboard", 1),
    ]


def test_a_hostile_leaderboard_costs_its_bad_places_and_reaches_no_terminal(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [entry(WALLETS[0].upper().replace("X", "x"), "\x1b[2J[bold]\ud800" + "x" * 300), entry(WALLETS[0])]
    bad = [entry("0x12"), entry(WALLETS[1], "a", "NaN"), entry(WALLETS[1], "a", "1e400"), "text", None]
    board.says(monkeypatch, *good, *bad)

    result = board.discover("--add")

    assert "5 places could not be read" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    assert result.stdout.count("0x1111") == 1
    assert [(address, len(name)) for address, name, *_ in board.whales()] == [(WALLETS[0], 100)]


def test_what_goes_wrong_is_said_without_the_key(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    for status, settings, said in (
        (1, {"OPINION_TRADE_LEADERBOARD_URL": f"{board.server.url}/nowhere"}, "check OPINION_TRADE_LEADERBOARD_URL"),
        (78, {"OPINION_TRADE_LEADERBOARD_URL": "http://192.0.2.1/"}, "must use https"),
        (78, {"OPINION_TRADE_API_KEY": " "}, "OPINION_TRADE_API_KEY is missing"),
    ):
        with monkeypatch.context() as changed:
            for name, text in settings.items():
                changed.setenv(name, text)
            result = board.discover()
        assert (result.exit_code, result.stdout) == (status, "")
        assert said in str(result.stderr)
        assert "a-key-of" not in result.stderr
    assert board.discover("--by", "points").exit_code == 2
