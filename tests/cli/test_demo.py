"""`demo`: everything at once, without a key, a network or a trace."""

import json
import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from opinionscope.settings import Settings
from opinionscope.simulator.demo import serve_demo
from tests.conftest import CommandLine


def test_it_shows_everything_and_leaves_nothing(command: CommandLine, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    # Settings of the user's own would have failed it, and had a monitor pinged.
    own = {"OPINION_TRADE_API_KEY": "not ascii: é", "OPINIONSCOPE_PING_URL": "http://127.0.0.1:9/"}
    result = command("demo", TMPDIR=str(temporary), OPINIONSCOPE_DB=str(tmp_path / "own.db"), **own)

    assert (result.returncode, result.stderr) == (0, "")
    for shown in ("markets stored", "wallets stored", "Whale 1", "activated", "cleanup", "complete"):
        assert shown in result.stdout
    assert re.search("BUY|SELL|SPLIT|MERGE", result.stdout)
    assert "opinionscope whales add <address>" in result.stdout
    assert "\x1b" not in result.stdout
    assert not list(temporary.iterdir())
    assert not list(command.home.iterdir())
    assert not (tmp_path / "own.db").exists()


def test_the_environment_is_as_before_whatever_happens(
    environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPINION_TRADE_API_KEY", "mine")
    monkeypatch.setenv("OPINIONSCOPE_PING_URL", "https://example.org/")
    before = dict(os.environ)

    running = ExitStack()
    exchange = running.enter_context(serve_demo())
    settings = Settings.load()
    with pytest.raises(KeyboardInterrupt):
        _leave_by(KeyboardInterrupt(), running)

    assert settings.base_url == exchange.url
    assert settings.ping_url is None
    assert dict(os.environ) == before
    assert not exchange.database.parent.exists()


def _leave_by(error: BaseException, running: ExitStack) -> None:
    with running:
        raise error


def test_a_kept_database_must_be_a_new_file(stored: CommandLine) -> None:
    before = json.loads(stored("whales", "list", "--json").stdout)

    result = stored("demo", "--db", str(stored.database))

    assert result.returncode == 2
    assert json.loads(stored("whales", "list", "--json").stdout) == before
