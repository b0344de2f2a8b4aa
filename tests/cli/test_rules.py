"""Commands `rules`, `signals` and `consensus`: what is refused and why, and what a person and a program see."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from opinionscope.cli.app import app
from opinionscope.store.database import Store
from opinionscope.store.markets import save_markets
from opinionscope.store.whale_tags import add_tag
from opinionscope.store.whales import rename_whale
from opinionscope.times import utc_now
from tests.cli.conftest import HOSTILE, market
from tests.signals.following import ANN, BOB, CEM, Following, following


class Command:
    """The command in this process, on a database of followed wallets."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--db", str(self.database)])

    def json(self, *words: str) -> Any:
        """What it prints with --json."""
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def wallets(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    """Wallets that have traded until now; Ann is tagged, and market 2 is resolved."""
    with following(tmp_path) as ready:
        ready.now = utc_now() - timedelta(minutes=10)
        add_tag(ready.store, [ANN], "sharp")
        save_markets(ready.store, [market("2", "Will it snow?", status="resolved")], ready.now)
        monkeypatch.setenv("OPINIONSCOPE_TARGET_TELLER", ready.program())
        yield ready


@pytest.fixture
def command(wallets: Following) -> Command:
    """Commands on that database."""
    return Command(wallets.store.path)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--whale", "Zoe"], "'Zoe' is neither a tracked whale's name nor a wallet address"),
        (["--tag", "dull"], "No tracked wallet has the tag 'dull' (tags in use: sharp)."),
        (
            ["--to", "phone"],
            "There is no target 'phone': OPINIONSCOPE_TARGET_PHONE is not set (known targets: teller).",
        ),
        (["--whale", "Bob", "--tag", "sharp"], "none of these whales has any of these tags"),
        (["--market", "77"], "No market 77 has been synced"),
        (["--market", "2"], "market 2 is resolved, so nothing trades in it"),
        (["--min-price", "0.7", "--max-price", "0.2"], "--min-price 0.7 is above --max-price 0.2"),
        (["--max-price", "7"], "--max-price"),
        (["--action", "buy", "--change", "exit"], "a buy never makes a position EXIT"),
        (["--action", "hold"], "'hold' is not a valid action; expected one of buy, sell, split, merge."),
        (["--consensus", "9"], "a consensus of 9 needs as many tracked wallets, but there are 4"),
        (["--consensus", "2", "--min-amount", "5"], "--min-amount is about orders and doesn't work with --consensus"),
        (["--min-exposure", "5"], "--min-exposure works only with --consensus"),
        (["--cooldown", "soon"], "'soon' is not a valid duration; expected 90s, 15m, 24h or 7d."),
        (["--cooldown", "366d"], "--cooldown 366d is too long; expected at most 365d."),
        (["--min-amount", "inf"], "This rule can never match: --min-amount inf is more than anybody has."),
        (["--label", " "], "--label takes a label; an empty one is none."),
        (["--digest", "8am"], "'8am' is not a valid time of day; expected HH:MM (UTC), such as 08:00."),
    ],
)
def test_a_rule_that_names_what_is_not_there_or_can_never_match_is_refused(
    command: Command, words: list[str], reason: str
) -> None:
    result = command("rules", "add", "wrong", *words)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert command.json("rules", "list") == []


def test_a_name_is_taken_once_and_is_a_word(command: Command) -> None:
    assert command("rules", "add", "big", "--to", "teller").exit_code == 0
    assert "There is already a rule 'big'" in command("rules", "add", "big", "--to", "teller").stderr
    assert "is not a valid name for a rule" in command("rules", "add", "big deal").stderr


def test_a_rule_is_shown_as_it_was_added(command: Command) -> None:
    words = ["--tag", "sharp", "--whale", "ann", "--action", "buy", "--change", "new", "--min-amount", "1000"]
    added = command("rules", "add", "big", *words, "--market", "1", "--to", "teller", "--cooldown", "2h")
    assert added.stdout == (
        "Rule big added: whale Ann, tag sharp, action buy, change new, amount ≥ 1,000, market 1. "
        "To teller, cooldown 2 h.\n"
    )
    (rule,) = command.json("rules", "list")
    assert rule["filters"]["whales"] == [ANN]
    assert (rule["targets"], rule["cooldown_seconds"], rule["digest_at"]) == (["teller"], 7_200, None)
    (row,) = csv.DictReader(io.StringIO(command("rules", "list", "--csv").stdout))
    assert json.loads(row["filters"])["min_amount"] == 1000
    shown = command("rules", "show", "big").stdout
    assert "whale Ann, tag sharp" in shown
    assert "none yet" in shown


def test_no_name_of_a_whale_gets_to_the_terminal_as_a_command(command: Command, wallets: Following) -> None:
    rename_whale(wallets.store, ANN, HOSTILE)
    for address in (ANN, BOB):
        wallets.fill(address)
    wallets.run()
    added = command("rules", "add", "hers", "--whale", ANN, "--to", "teller").stdout
    agreed = command("consensus", "--min-whales", "2", "--min-exposure", "1", "--csv").stdout
    assert "red" in added
    assert "red" in agreed
    assert {character for character in added + agreed if not character.isprintable()} == {"\n"}


def test_rules_are_disabled_enabled_and_removed(command: Command) -> None:
    command("rules", "add", "one", "--to", "teller")
    command("rules", "add", "two", "--to", "teller")
    assert command("rules", "disable", "one", "two").stdout == "2 rules disabled.\n"
    assert [rule["enabled"] for rule in command.json("rules", "list")] == [False, False]
    assert command("rules", "enable", "two").stdout == "1 rule enabled.\n"
    assert command("rules", "remove", "one").stdout == "1 rule removed.\n"
    assert [(rule["name"], rule["enabled"]) for rule in command.json("rules", "list")] == [("two", True)]
    assert "There is no rule 'one'" in command("rules", "remove", "one").stderr


def test_without_alert_urls_a_rule_warns_that_nobody_is_told(command: Command) -> None:
    result = command("rules", "add", "big", "--label", "Chess")
    assert result.exit_code == 0
    assert "OPINIONSCOPE_ALERT_URLS is not set, so nobody is told" in result.stderr
    assert "No market has the label Chess so far." in result.stderr


def test_signals_show_what_was_told_and_what_was_kept(command: Command, wallets: Following) -> None:
    command("rules", "add", "all", "--to", "teller")
    wallets.now = utc_now() + timedelta(minutes=1)
    wallets.fill(ANN, ago=20, amount=70, shares=100)
    wallets.fill(ANN, ago=10, amount=30, shares=100, outcome=2)
    wallets.run()
    sent, kept = sorted(command.json("signals"), key=lambda signal: str(signal["state"]))
    assert (sent["state"], sent["amount"], sent["document"]["order"]["price"]) == ("sent", 70, 0.7)
    assert (kept["state"], kept["reason"]) == ("suppressed", "within 30 min of signal 1 about this whale and market")
    assert command.json("signals", "--state", "sent", "--whale", "ann", "--rule", "all") == [sent]
    assert command.json("signals", "--whale", "bob") == []
    table = command("signals").stdout
    assert "BUY YES, NEW" in table
    assert "Will it rain?" in table


def test_the_name_of_an_outcome_makes_no_endless_row(command: Command, wallets: Following) -> None:
    command("rules", "add", "all")
    named = market("1", "Will it rain?")._replace(yes_label="Yes, it will. " * 200)
    save_markets(wallets.store, [named], wallets.now)
    wallets.now = utc_now() + timedelta(minutes=1)
    wallets.fill(ANN, ago=20)
    wallets.run()
    table = command("signals").stdout
    assert "BUY Yes, it will." in " ".join(table.split())
    assert max(map(len, table.splitlines())) < 200


def test_signals_of_a_rule_that_never_was_are_refused_and_those_of_a_removed_one_shown(
    command: Command, wallets: Following
) -> None:
    command("rules", "add", "all", "--to", "teller")
    wallets.now = utc_now() + timedelta(minutes=1)
    wallets.fill(ANN, ago=20)
    wallets.read()
    command("rules", "remove", "all")
    assert [signal["state"] for signal in command.json("signals", "--rule", "all")] == ["suppressed"]
    refused = command("signals", "--rule", "nosuch")
    assert refused.exit_code == command("rules", "show", "nosuch").exit_code != 0
    assert "There is no rule 'nosuch'" in refused.stderr


def test_a_replay_tells_what_a_rule_would_have_told_day_by_day_and_sends_nothing(
    command: Command, wallets: Following
) -> None:
    wallets.now = utc_now() - timedelta(minutes=3)
    wallets.fill(ANN, ago=5, amount=70)
    wallets.run()
    wallets.fill(BOB, ago=5, amount=300)
    wallets.run()
    dry = command("rules", "add", "big", "--min-amount", "200", "--to", "teller", "--dry-run")
    assert "300.00" in dry.stdout
    assert "70.00" not in dry.stdout
    assert command.json("rules", "list") == []
    command("rules", "add", "all", "--to", "teller")
    replayed = command.json("rules", "replay", "all", "--since", "1h")
    assert [signal["amount"] for signal in replayed["signals"]] == [70, 300]
    assert sum(day["messages"] for day in replayed["days"]) == 2
    lines = command("rules", "replay", "--since", "1h", "--jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == replayed["signals"]
    rows = list(csv.DictReader(command("rules", "replay", "--since", "1h", "--csv").stdout.splitlines()))
    assert [list(row) for row in rows] == [list(signal)[:-1] for signal in replayed["signals"]]
    assert [float(row["amount"]) for row in rows] == [70, 300]
    assert wallets.told() == []
    assert command.json("signals") == []


def test_consensus_shows_who_agrees_and_who_opposes(command: Command, wallets: Following) -> None:
    for address, outcome in ((ANN, 1), (BOB, 1), (CEM, 2)):
        wallets.fill(address, amount=2_000, shares=4_000, outcome=outcome)
    wallets.read()
    (agreement,) = command.json("consensus", "--min-whales", "2")
    assert (agreement["title"], agreement["outcome"], agreement["whales"]) == ("Will it rain?", "YES", 2)
    assert (agreement["exposure"], agreement["opposing_exposure"]) == (4_000, 2_000)
    assert {member["name"] for member in agreement["members"]} == {"Ann", "Bob"}
    assert "Ann, Bob" in command("consensus", "--min-whales", "2").stdout
    assert "No outcome is held by 3 whales" in command("consensus").stdout
    assert "by 3 whales tagged sharp" in command("consensus", "--tag", "sharp").stdout
    assert command("consensus", "--tag", "nosuch").stdout == "No wallet matches --tag nosuch.\n"


def test_cleanup_purges_signals_by_the_retention_of_the_log(command: Command, wallets: Following) -> None:
    command("rules", "add", "all", "--to", "teller")
    wallets.now = utc_now() + timedelta(minutes=1)
    wallets.fill(ANN, ago=20)
    wallets.run()
    with Store.open(wallets.store.path) as store, store.transaction() as transaction:
        transaction.execute("UPDATE signals SET detected_at = '2020-01-01T00:00:00.000Z'")
    assert "1 signal would be deleted" in command("cleanup", "--dry-run").stdout
    assert command("cleanup").exit_code == 0
    assert command.json("signals") == []
    assert wallets.store.value("SELECT count(*) FROM signal_deliveries") == 0


def test_completion_knows_rules_and_targets(command: Command) -> None:
    from opinionscope.cli.completion import complete_rule, complete_target

    command("rules", "add", "big", "--to", "teller")

    context = SimpleNamespace(params={"db": command.database})
    assert complete_rule(context, "b") == ["big"]  # type: ignore[arg-type]
    assert complete_target("t") == ["teller"]
