"""Bytes that are not UTF-8, in a path, a word of the command line or the environment: they are only strange text."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_a_search_for_such_a_byte_finds_nothing(command: CommandLine) -> None:
    command("stats")
    result = command("markets", "--search", BYTE)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "No markets yet; run `opinionscope sync markets`.\n"
