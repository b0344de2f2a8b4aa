"""`markets`: what has been synced."""

import json
from datetime import timedelta

import pytest

from opinionscope.cli.output.links import link_to
from opinionscope.store.database import Store
from opinionscope.store.markets import save_markets
from opinionscope.times import to_seconds_text, utc_now
from tests.cli.conftest import COMPLETE, HOSTILE, LARGE_ID, Invoke, market
from tests.conftest import CommandLine


def test_json_has_labels_as_an_array_and_token_ids_as_texts(stored: CommandLine) -> None:
    first, second = json.loads(stored("markets", "--json").stdout)

    assert first["labels"] == ["Weather", "Été"]
    assert first["yes_token_id"] == LARGE_ID
    assert (first["volume"], first["volume_24h"]) == (1234.5, None)
    assert second["title"] == HOSTILE
    assert "looked_up_at" not in first
    assert {"platform", "external_id", "first_seen_at", "updated_at"} < set(first)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["1", "2"]),
        (["--search", "RAIN"], ["1"]),
        (["--search", "[bold]"], ["2"]),
        (["--search", "%"], []),
        (["--status", "Resolved"], ["2"]),
        (["--label", "été"], ["1", "2"]),
        (["--label", "t"], []),
        (["--type", "binary", "--sort", "title"], ["2", "1"]),
        (["--limit", "1"], ["1"]),
    ],
    ids=lambda value: " ".join(value) or "none",
)
def test_options_choose_the_markets(invoke: Invoke, options: list[str], expected: list[str]) -> None:
    result = invoke("markets", "--json", *options)

    assert [market["external_id"] for market in json.loads(result.stdout)] == expected


def test_a_table_shows_money_with_separators_and_what_is_unknown_as_a_dash(invoke: Invoke) -> None:
    row = next(line for line in invoke("markets").stdout.splitlines() if "rain" in line)

    assert "1,234.50" in row
    assert row.endswith("–")


def test_a_filter_that_matches_nothing_is_named(invoke: Invoke) -> None:
    def told(*words: str) -> str:
        return invoke("markets", *words).stdout

    assert told("--search", "snow") == "No market matches --search 'snow'.\n"
    assert told("--search", "rain", "--status", "failed") == "No market matches --status 'failed'.\n"
    together = "No market matches --search 'rain' and --status 'resolved' together, though each alone matches some.\n"
    assert told("--search", "rain", "--status", "resolved") == together


def test_a_limit_says_how_much_it_left_out(invoke: Invoke) -> None:
    assert invoke("markets", "--limit", "1").stdout.endswith("\n1 of 2 markets; use --limit to show more.\n")
    assert "use --limit" not in invoke("markets").stdout


def topic(invoke: Invoke, stored: CommandLine) -> None:
    """Store a topic with two options, one of which closes soon, and a position in the other."""
    soon = to_seconds_text(utc_now() + timedelta(hours=5))
    parent = market("2", "Who wins?", volume=2000.0)._replace(market_type="categorical", rules="First.\n\x1b[2JSecond.")
    options = [
        market(number, f"Who wins?: {name}", volume=volume)._replace(
            market_type="child",
            parent_external_id="2",
            cutoff_at=closes,
            url="https://app.opinion.trade/detail?topicId=2",
        )
        for number, name, volume, closes in (("10", "Red", 5.0, None), ("11", "Blue", 6.0, soon))
    ]
    with Store.open(stored.database) as store:
        save_markets(store, [parent, *options], utc_now())
        with store.transaction() as transaction:
            transaction.execute(
                "INSERT INTO positions (whale_address, platform, market_external_id, outcome_side, buy_shares, "
                "buy_amount, trade_count) VALUES (?, 'opinion_trade', '11', 1, 100, 40, 1)",
                (COMPLETE,),
            )


def test_the_options_of_a_topic_stand_below_it(invoke: Invoke, stored: CommandLine) -> None:
    topic(invoke, stored)
    lines = invoke("markets").stdout.splitlines()
    assert [line.split("  ")[:2] for line in (line.strip() for line in lines[2:5])] == [
        ["topic:2", "Who wins?"],
        ["11", "└ Blue"],
        ["10", "└ Red"],
    ]
    assert [found["external_id"] for found in json.loads(invoke("markets", "--json").stdout)] == [
        "2",
        "11",
        "10",
        "1",
        "2",
    ]


def test_what_closes_soon_is_listed_with_its_whole_title(invoke: Invoke, stored: CommandLine) -> None:
    topic(invoke, stored)
    assert "11  Who wins?: Blue" in invoke("markets", "--closing", "6h").stdout
    assert "No market matches --closing '4h'." in invoke("markets", "--closing", "4h").stdout
    assert invoke("markets", "--closing", "2026-01-01").exit_code == 2


def test_a_market_shows_its_options_its_rules_and_the_whales_in_it(invoke: Invoke, stored: CommandLine) -> None:
    topic(invoke, stored)
    shown = invoke("markets", "show", "topic:2").stdout
    for expected in ("Who wins?", "2,000.00 USDT", "Blue", "Red", "Ann", "First.\n�[2JSecond."):
        assert expected in shown
    assert "https://app.opinion.trade/detail?topicId=2" in invoke("markets", "show", "11").stdout

    document = json.loads(invoke("markets", "show", "topic:2", "--json").stdout)
    assert [option["external_id"] for option in document["options"]] == ["11", "10"]
    assert [(row["whale_address"], row["exposure"]) for row in document["positions"]] == [(COMPLETE, 40.0)]


def test_a_number_that_only_a_topic_has_is_explained(invoke: Invoke, stored: CommandLine) -> None:
    assert "did you mean 1?" in invoke("markets", "show", "topic:1").stderr
    assert invoke("markets", "show", "77").exit_code == 2
    assert "Options go after `markets show`" in invoke("markets", "--limit", "3", "show", "1").stderr


def test_an_unknown_status_lists_those_there_are(invoke: Invoke) -> None:
    result = invoke("markets", "--status", "open")

    assert result.exit_code == 2
    assert "activated" in result.stderr


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://app.opinion.trade/detail?topicId=2&type=multi", True),
        ("https://app.opinion.trade", True),
        ("https://a/\x1b]8;;\x07", False),
        ("https://a/ b", False),
        ("https://a/é", False),
        ("javascript:alert(1)", False),
        ("http://a/", False),
        ("https://user@host/", False),
        (f"https://a/{'x' * 500}", False),
    ],
)
def test_only_a_plain_web_address_becomes_a_link_and_only_where_links_are_known_to_work(
    monkeypatch: pytest.MonkeyPatch, text: str, is_link: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for name in ("TERM_PROGRAM", "VTE_VERSION", "WT_SESSION", "KONSOLE_VERSION", "NO_HYPERLINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert link_to(text) is None
    monkeypatch.setenv("VTE_VERSION", "7600")
    assert (link_to(text) is not None) == is_link
