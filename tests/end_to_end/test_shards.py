"""Shards: installations with one list of wallets between them, each of which polls its own part."""

import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from functools import cached_property

import pytest

from opinionscope.shards import Shard
from opinionscope.simulator import Exchange, ExchangeServer
from tests.conftest import CommandLine, Trading

WALLETS, PARTS = 24, 3
KEY = "a-key-of-the-tests"


class Shards:
    """As many installations as there are parts, and the exchange they poll."""

    def __init__(self, command: CommandLine, server: ExchangeServer) -> None:
        self.server = server
        self.addresses = sorted(server.exchange.wallets)
        self._command = command

    @cached_property
    def all(self) -> list[CommandLine]:
        return [self.one(Shard(part, PARTS)) for part in range(1, PARTS + 1)]

    def one(self, shard: Shard) -> CommandLine:
        """The installation of a shard, with the whole list imported."""
        command = replace(
            self._command,
            database=self._command.database.with_name(f"shard-{shard.part}.db"),
            settings=self._command.settings | {"OPINIONSCOPE_SHARD": str(shard)},
        )
        imported = command("whales", "import", "-", stdin="".join(f"{address},,vip\n" for address in self.addresses))
        elsewhere = sum(not shard.polls(address) for address in self.addresses)
        assert imported.stdout == f"{WALLETS} wallets added; other shards poll {elsewhere} of them.\n"
        return command

    def polled(self) -> list[str]:
        """The wallets whose trades the exchange has been asked for since the last time, in order."""
        found = {request.path.rpartition("/")[2] for request in self.server.requests if "/trade/user/" in request.path}
        self.server.forget()
        return sorted(found)


@pytest.fixture
def shards(command: CommandLine, trading: Trading) -> Shards:
    exchange = Exchange(seed=17, markets=4, wallets=WALLETS, history=6, trades_per_minute=0, market_churn_per_minute=0)
    return Shards(command, trading(exchange, api_key=KEY))


def known_trades(command: CommandLine) -> dict[str, int]:
    """How many trades are stored or counted of each wallet whose list has been read."""
    return dict(command.query("SELECT address, known_trades FROM whales WHERE api_total IS NOT NULL"))


def own_part(shards: Shards, shard: Shard) -> list[str]:
    return [address for address in shards.addresses if shard.polls(address)]


def test_each_wallet_is_polled_and_stored_by_exactly_one_shard_and_together_they_have_all(shards: Shards) -> None:
    union: dict[str, int] = {}
    for part, command in enumerate(shards.all, 1):
        for job in (["sync", "whales"], ["sync", "positions"], ["stats"]):
            assert command(*job).returncode == 0
        mine = own_part(shards, Shard(part, PARTS))
        trades = known_trades(command)
        assert sorted(trades) == mine == shards.polled()
        assert not union.keys() & trades.keys()
        union |= trades
        counted = command.query("SELECT address FROM whales WHERE stats_updated_at IS NOT NULL ORDER BY address")
        assert [address for (address,) in counted] == mine
        checked = command.query("SELECT address FROM whales WHERE positions_checked_at IS NOT NULL ORDER BY address")
        assert [address for (address,) in checked] == mine
    assert union == {address: len(shards.server.exchange.visible_trades(address)) for address in shards.addresses}


def test_status_list_show_and_check_say_which_part_of_the_wallets_is_here(shards: Shards) -> None:
    command, shard = shards.all[1], Shard(2, PARTS)
    command("sync", "whales")
    mine = own_part(shards, shard)
    other = next(address for address in shards.addresses if address not in mine)
    status = json.loads(command("status", "--json").stdout)
    assert (status["shard"], status["wallets"]["tracked"]) == ("2/3", len(mine))
    assert status["wallets"]["complete"] == len(mine)
    assert status["wallets"]["elsewhere"] == WALLETS - len(mine)
    assert f"{len(mine)} tracked by shard 2/3, {WALLETS - len(mine)} by others" in command("status").stdout
    listed = json.loads(command("whales", "list", "--json").stdout)
    assert sorted(whale["address"] for whale in listed) == mine
    assert (
        f"This is shard 2/3; other shards poll {WALLETS - len(mine)} more wallets." in command("whales", "list").stdout
    )
    assert re.search(rf"shard +2/3: polls {len(mine)} of {WALLETS} tracked wallets", command("check").stdout)
    shown = command("whales", "show", other)
    assert f"polled by shard {shard.owner_of(other)}; this is shard 2/3" in " ".join(shown.stdout.split())
    document = json.loads(command("whales", "show", other[:12], "--json").stdout)
    assert (document["elsewhere"], document["polled_by_shard"]) == (True, str(shard.owner_of(other)))
    assert "is shard" not in command("whales", "show", mine[0]).stdout


def test_a_wallet_of_another_shard_has_its_name_and_tags_here_but_is_polled_there(shards: Shards) -> None:
    command, shard = shards.all[1], Shard(2, PARTS)
    other, another = [address for address in shards.addresses if not shard.polls(address)][:2]
    assert command("whales", "rename", other, "Elsa").returncode == 0
    assert command("whales", "tag", "elsa", "far").returncode == 0
    assert command("rules", "add", "far", "--tag", "far").returncode == 0
    for words in (["sync", "whales", "--address", "Elsa"], ["whales", "reread", "Elsa"]):
        refused = command(*words)
        assert refused.returncode == 2
        assert f"{other} is polled by shard {shard.owner_of(other)}; this is shard 2/3." in refused.stderr
    assert shards.polled() == []
    refused = command("rules", "add", "never", "--whale", "Elsa", "--whale", another, "--consensus", "2")
    assert (refused.returncode, "This rule can never match" in refused.stderr) == (2, True)


def test_with_more_shards_wallets_move_once_and_what_comes_back_goes_on_from_what_is_stored(shards: Shards) -> None:
    command, before, after = shards.all[0], Shard(1, PARTS), Shard(1, PARTS + 2)
    command("sync", "whales")
    stored = known_trades(command)
    command.settings["OPINIONSCOPE_SHARD"] = str(after)
    shards.polled()
    assert command("sync", "whales").returncode == 0
    stays = own_part(shards, after)
    assert set(stays) < set(own_part(shards, before))
    assert (shards.polled(), known_trades(command)) == (stays, stored)
    del command.settings["OPINIONSCOPE_SHARD"]
    assert command("sync", "whales").returncode == 0
    assert shards.polled() == shards.addresses
    pages = command.query("SELECT request_count FROM sync_logs ORDER BY id DESC LIMIT 1")
    assert pages == [(WALLETS,)], "one page for each, also of those that had been here before"
    status = json.loads(command("status", "--json").stdout)
    assert (status["shard"], status["wallets"]["tracked"], status["wallets"]["elsewhere"]) == (None, WALLETS, 0)
    assert "other shards" not in command("whales", "list").stdout
    assert "from the next run" not in command("check").stdout


def test_what_a_wallet_traded_while_it_was_elsewhere_is_no_news_when_it_comes_back(shards: Shards) -> None:
    command, exchange = shards.all[0], shards.server.exchange
    command.settings["OPINIONSCOPE_TARGET_BOT"] = "exec:/bin/true"
    command("rules", "add", "any", "--min-amount", "0.01", "--to", "bot")
    command("sync", "whales")
    meanwhile, mine = Shard(1, PARTS + 2), own_part(shards, Shard(1, PARTS))
    leaves = next(address for address in mine if not meanwhile.polls(address))
    stays = next(address for address in mine if meanwhile.polls(address))
    with closing(sqlite3.connect(command.database)) as database, database:
        database.execute("UPDATE whales SET tracked_since = '2026-01-01T00:00:00Z', history_read_at = tracked_since")
        database.execute("UPDATE rules SET active_since = '2026-01-01T00:00:00Z'")
    command("sync", "whales", OPINIONSCOPE_SHARD=str(meanwhile))
    for address in (leaves, stays):
        exchange.add_trades(address, [exchange.make_trade(address, created_at=int(time.time()) - 60)])
    assert command("sync", "whales").returncode == 0
    assert command.last_run("whales")["item_count"] == 2
    assert command.query("SELECT whale_address FROM signals") == [(stays,)]


def test_every_place_that_adds_wallets_gives_them_to_their_shard(shards: Shards, command: CommandLine) -> None:
    command.settings |= {
        "OPINIONSCOPE_SHARD": "2/3",
        "OPINION_TRADE_LEADERBOARD_URL": shards.server.leaderboard_url,
    }
    found = command("whales", "discover", "--period", "all", "--add")
    assert found.returncode == 0
    rows = command.query("SELECT address, elsewhere FROM whales")
    others = sum(elsewhere for _, elsewhere in rows)
    assert f"Other shards poll {others} of the new ones." in found.stdout
    assert 0 < others < len(rows)
    other = next(f"0x{number:040x}" for number in range(99) if not Shard(2, 3).polls(f"0x{number:040x}"))
    assert command("whales", "add", other).stdout.startswith("1 wallet added; another shard polls it.\n")
    rows = command.query("SELECT address, elsewhere FROM whales")
    assert all(elsewhere != Shard(2, 3).polls(address) for address, elsewhere in rows)


@pytest.mark.parametrize("text", ["4/3", "two"])
def test_a_bad_value_is_told_of_in_one_line_and_nothing_is_polled(shards: Shards, text: str) -> None:
    command = shards.all[0]
    for words in (["sync", "whales"], ["sync", "positions"], ["stats"], ["whales", "add", shards.addresses[0]]):
        refused = command(*words, OPINIONSCOPE_SHARD=text)
        assert refused.returncode == 78
        assert "OPINIONSCOPE_SHARD: must be PART/PARTS such as 2/8. Correct it in" in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert KEY not in refused.stderr
    assert command.last_run("stats")["status"] == "failed"
    assert shards.polled() == []
    assert "must be PART/PARTS" in command("check", OPINIONSCOPE_SHARD=text).stdout.replace("\n", " ")
