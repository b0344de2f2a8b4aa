"""Text from outside is valid Unicode from the moment it comes in: words of the command line, variables, lists."""

import json
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.text import valid_text
from tests.conftest import COMMAND, CommandLine
from tests.isolation.conftest import Misbehaving
from tests.rounds import examples

WALLET = "0x" + "5e" * 20


@examples(200)
@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_any_text_becomes_valid_and_what_is_valid_stays(text: str) -> None:
    valid = valid_text(text)
    valid.encode()
    assert valid_text(valid) == valid
    pairs_joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert [a if a == b else "�" for a, b in zip(pairs_joined, valid, strict=True)] == list(valid)


@pytest.mark.parametrize(
    "words",
    [
        ["whales", "add", WALLET, "--name", b"caf\xe9"],
        ["markets", "--search", b"caf\xe9"],
        ["markets", "--status", b"\xff"],
        ["activity", "--market", b"\xff"],
        ["activity", "--whale", b"\xff"],
        ["logs", "--job", b"\xff"],
        ["whales", "show", b"\xff"],
        ["whales", "import", b"\xff"],
        [b"\xff"],
    ],
)
def test_words_that_are_no_text_are_taken_or_refused_in_our_own_words(
    command: CommandLine, words: list[str | bytes]
) -> None:
    command("whales", "add", WALLET)
    result = subprocess.run(
        [os.fsencode(word) for word in (*COMMAND, *words)],
        env=command.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode in (0, 2), result.stderr
    assert "unexpected" not in result.stderr


def test_a_variable_that_is_no_text_is_told_by_its_name(command: CommandLine, misbehaving: Misbehaving) -> None:
    misbehaving(1)
    for variable in ("OPINION_TRADE_API_KEY", "OPINION_TRADE_BASE_URL", "OPINIONSCOPE_ALERT_URLS"):
        result = command("sync", "whales", **{variable: os.fsdecode(b"\xff\xfe")})
        assert "unexpected" not in result.stderr
        assert "Traceback" not in result.stderr


def test_a_name_that_is_cut_in_a_surrogate_pair_is_imported(command: CommandLine) -> None:
    wallets = json.dumps([{"address": WALLET, "name": "whale \ud83d"}, {"address": WALLET[:-1] + "\ud83d"}])
    assert command("whales", "import", "-", stdin=wallets).returncode == 2
    assert command("whales", "import", "-", stdin=json.dumps(json.loads(wallets)[:1])).returncode == 0
    assert command.query("SELECT name FROM whales") == [("whale �",)]


def test_a_search_finds_letters_beyond_ascii_in_either_case(command: CommandLine, misbehaving: Misbehaving) -> None:
    exchange, _ = misbehaving(0)
    for market, title in zip(exchange.markets(), ("Über 100?", "ÉLAN WINS?", "Straße or not?"), strict=False):
        exchange.rename_market(market["marketId"], title)
    command("sync", "markets")
    for search, title in (("über", "Über 100?"), ("élan", "ÉLAN WINS?"), ("STRASSE", "Straße or not?")):
        found = json.loads(command("markets", "--search", search, "--json").stdout)
        assert title in [market["title"] for market in found]
        assert all(market["title"].startswith(title) for market in found)
