"""Shards of a simulated exchange's wallets, each with a database of its own and the real jobs."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange
from tests.conftest import CommandLine, Trading
from tests.merging.test_random_histories import History
from tests.merging.watched import history_of_news


@dataclass
class Shards:
    """Three shards of two wallets each, one database that polls all six, and the merged database."""

    exchange: Exchange
    parts: list[CommandLine]
    whole: CommandLine
    merged: CommandLine

    @property
    def sources(self) -> list[Path]:
        return [part.database for part in self.parts]

    def job(self, *words: str, **settings: str) -> None:
        """Run a job on each shard, and on the database that polls all."""
        for command in (*self.parts, self.whole):
            result = command(*words, **settings)
            assert (result.returncode, result.stderr) == (0, ""), words

    def merge(self) -> None:
        result = self.merged("merge", str(self.merged.database), *map(str, self.sources))
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture
def shards(command: CommandLine, trading: Trading) -> Shards:
    exchange = Exchange(
        seed=17, markets=30, wallets=6, history=150, trades_per_minute=0, market_churn_per_minute=0, past_markets=10
    )
    trading(exchange)
    databases = [command.database.with_name(f"{name}.db") for name in ("shard1", "shard2", "shard3", "whole", "merged")]
    commands = [replace(command, database=database) for database in databases]
    for number, part in enumerate(commands[:3]):
        part("whales", "add", *exchange.wallets[number::3])
    commands[3]("whales", "add", *exchange.wallets)
    ready = Shards(exchange, commands[:3], commands[3], commands[4])
    ready.job("sync", "whales")
    return ready


@pytest.fixture
def watched(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> History:
    """Sources whose trades are news. Nothing that a merged database has to tell is delivered."""
    monkeypatch.setattr("opinionscope.merging.merge.may_have_to_tell", lambda store: False)
    return history_of_news(tmp_path)
