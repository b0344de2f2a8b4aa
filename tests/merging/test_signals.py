"""Rules of a merged database: they see the news of all shards, each thing once, and nothing of a first merge."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.merging.conftest import Shards


@pytest.fixture
def told(shards: Shards) -> Path:
    """The file to which a target of the merged database writes what it is told."""
    program, told = shards.merged.home / "teller", shards.merged.home / "told.jsonl"
    program.write_text(f"#!/bin/sh\ncat >> {told}\n")
    program.chmod(0o700)
    shards.merged.settings["OPINIONSCOPE_TARGET_TELLER"] = f"exec:{program}"
    return told


def documents(told: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def add_rule(shards: Shards, name: str, *filters: str) -> None:
    words = ("rules", "add", name, *filters, "--to", "teller", "--db", str(shards.merged.database))
    assert shards.merged(*words).returncode == 0


def buy(shards: Shards, number: int, market: int) -> None:
    """Let a wallet buy, and its shard see it."""
    wallet = shards.exchange.wallets[number]
    shards.exchange.add_trades(
        wallet, [shards.exchange.make_trade(wallet, market_id=market, side="Buy", outcome_side=1)]
    )
    assert shards.parts[number % 3]("sync", "whales").returncode == 0


def a_market(command: CommandLine) -> int:
    """A market that nobody has traded in yet."""
    ((number,),) = command.query(
        "SELECT max(CAST(external_id AS INTEGER)) FROM markets WHERE status = 'activated' "
        "AND market_type = 'binary' AND external_id NOT IN (SELECT market_external_id FROM positions)"
    )
    return int(number)


def test_a_consensus_across_shards_is_told_once(shards: Shards, told: Path) -> None:
    shards.job("sync", "markets")
    market = a_market(shards.whole)
    shards.merge()
    add_rule(shards, "agreed", "--consensus", "2", "--min-exposure", "1")
    buy(shards, 0, market)
    shards.merge()
    assert documents(told) == []
    buy(shards, 1, market)
    shards.merge()
    shards.merge()
    (document,) = documents(told)
    assert (document["whales"], document["event"]) == (2, "formed")
    shown = shards.merged("consensus", "--min-whales", "2", "--min-exposure", "1", "--json").stdout
    assert [each["market"] for each in json.loads(shown) if each["market"] == str(market)] == [str(market)]


def test_what_a_first_merge_brings_is_no_news_and_every_trade_after_it_is_told_once(shards: Shards, told: Path) -> None:
    shards.job("sync", "markets")
    market = a_market(shards.whole)
    words = ("merge", str(shards.merged.database), *map(str, shards.sources[:2]))
    assert shards.merged(*words).returncode == 0
    add_rule(shards, "all", "--cooldown", "0s")
    buy(shards, 2, market)
    shards.merge()
    assert documents(told) == [], "the third source is new"
    for number in range(4):
        buy(shards, number, market)
    shards.merge()
    shards.merge()
    assert sorted(document["whale"]["address"] for document in documents(told)) == sorted(shards.exchange.wallets[:4])
