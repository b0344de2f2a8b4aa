"""`markets`: what has been synced."""

import json

import pytest

from tests.cli.conftest import HOSTILE, LARGE_ID, Invoke
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
        (["--status", "resolved"], ["2"]),
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


def test_an_unknown_status_lists_those_there_are(invoke: Invoke) -> None:
    result = invoke("markets", "--status", "open")

    assert result.exit_code == 2
    assert "activated" in result.stderr
