"""Bytes that are not UTF-8, in a path, a word of the command line or the environment: they are only strange text."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.text import valid_text
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import CommandLine

BYTE = os.fsdecode(b"\xe9")
WALLET = f"0x{'1' * 40}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def strange(tmp_path: Path) -> CommandLine:
    """A command line whose HOME and database have such a byte in their paths."""
    home = tmp_path / f"h{BYTE}"
    home.mkdir()
    return CommandLine(home, home / f"{BYTE}.db")


def test_a_missing_key_is_logged_told_and_pinged_whatever_home_is_called(
    strange: CommandLine, receiver: Receiver, tmp_path: Path
) -> None:
    strange.database = tmp_path / "opinionscope.db"
    strange.settings |= {"OPINIONSCOPE_ALERT_URLS": receiver.alert_url, "OPINIONSCOPE_PING_URL": receiver.url}

    result = strange("sync", "markets")

    assert result.returncode == 78
    assert "OPINION_TRADE_API_KEY is missing" in result.stderr
    run = strange.last_run("markets")
    assert run["status"] == "failed"
    assert "/h�/.config/opinionscope/env" in run["error"]
    start, ping, alert = receiver.received
    assert (start.path, ping.path, alert.path) == ("/ping/start", "/ping/fail", "/alerts")
    assert "/h�/.config" in ping.body
    assert "/h�/.config" in alert.message


def test_a_database_that_cannot_be_used_is_told_whatever_it_is_called(strange: CommandLine, receiver: Receiver) -> None:
    strange.settings |= {"OPINIONSCOPE_ALERT_URLS": receiver.alert_url, "OPINIONSCOPE_PING_URL": receiver.url}
    strange.settings["OPINIONSCOPE_ALERT_AFTER"] = "1"
    strange.database.write_bytes(b"not a database" * 100)

    assert strange("stats").returncode == 1
    assert [request.path for request in receiver.received] == ["/ping/fail", "/alerts"]
    assert "�.db is not a SQLite database" in receiver.received[1].message


def test_every_command_works_on_a_path_with_such_a_byte(strange: CommandLine) -> None:
    assert strange("whales", "add", WALLET).returncode == 0
    for words in (["stats"], ["cleanup"], ["whales", "list"], ["activity"], ["markets"], ["logs", "--json"]):
        result = strange(*words)
        assert (result.returncode, result.stderr) == (0, ""), words
    for words in (["status"], ["status", "--json"], ["check"], ["sync", "markets"], ["sync", "whales"]):
        assert "unexpected" not in strange(*words).stderr
    assert json.loads(strange("status", "--json").stdout)["database"]["path"] == str(strange.database)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["markets", "--search", BYTE], "No markets match these filters.\n"),
    ],
)
def test_a_search_for_such_a_byte_finds_nothing(command: CommandLine, words: list[str], answer: str) -> None:
    command("stats")
    result = command(*words)
    assert (result.returncode, result.stdout, result.stderr) == (0, answer, "")


@pytest.mark.parametrize(
    "words",
    [
        [BYTE],
        ["activity", "--market", BYTE],
        ["markets", "--status", BYTE],
        ["whales", "add", BYTE],
        ["activity", "--since", BYTE],
    ],
)
def test_such_a_byte_in_the_wrong_place_is_wrong_usage_in_one_line(command: CommandLine, words: list[str]) -> None:
    command("stats")
    result = command(*words)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "unexpected" not in result.stderr


def test_a_name_is_stored_as_valid_text(command: CommandLine) -> None:
    assert command("whales", "add", WALLET, "--name", f"Ren{BYTE}").returncode == 0
    assert command.query("SELECT name FROM whales") == [("Ren�",)]


def test_such_bytes_elsewhere_in_the_environment_change_nothing(command: CommandLine) -> None:
    assert command("stats", **{f"F{BYTE}": BYTE}).returncode == 0
    assert command("sync", "markets", OPINION_TRADE_API_KEY=BYTE).returncode == 78
    assert "printable ASCII" in command.last_run("markets")["error"]


def test_targets_with_such_bytes_are_reported_and_fail_no_run(command: CommandLine) -> None:
    command.settings["OPINIONSCOPE_PING_URL"] = f"http://127.0.0.1:9/{BYTE}"
    command.settings["OPINIONSCOPE_ALERT_URLS"] = f"json://127.0.0.1:9/{BYTE}"

    assert command("stats").returncode == 0
    assert command("alert", "test").returncode == 1
    assert "unexpected" not in command("alert", "test").stderr


@given(st.text(alphabet=st.characters(categories=("Cs", "L", "So"))))
def test_valid_text_can_be_stored_and_is_otherwise_the_same(text: str) -> None:
    valid = valid_text(text)

    assert valid.encode().decode() == valid
    assert valid_text(valid) == valid
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert valid == text


def test_the_halves_of_a_pair_become_their_character() -> None:
    assert valid_text("a\ud83d\ude00b\ud83d") == "a😀b�"
