"""`logs`: what ran, when, and how it ended."""

import json

import pytest

from tests.cli.conftest import HOSTILE, Invoke
from tests.conftest import CommandLine

COLUMNS = [
    "id",
    "type",
    "status",
    "started_at",
    "ended_at",
    "item_count",
    "failed_count",
    "request_count",
    "throttled_count",
    "error",
]


def test_json_is_one_array_of_the_columns_newest_first(stored: CommandLine) -> None:
    runs = json.loads(stored("logs", "--json").stdout)

    assert [run["type"] for run in runs] == ["stats", "whales", "whales", "markets"]
    assert list(runs[0]) == COLUMNS
    assert runs[2]["error"] == HOSTILE


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--failed"], ["partial", "failed"]),
        (["--type", "markets"], ["completed"]),
        (["--since", "24h"], ["completed", "partial", "failed"]),
        (["--since", "1m"], ["completed"]),
        (["--limit", "1"], ["completed"]),
        (["--failed", "--type", "stats"], []),
    ],
    ids=" ".join,
)
def test_options_choose_the_runs(invoke: Invoke, options: list[str], expected: list[str]) -> None:
    result = invoke("logs", "--json", *options)

    assert [run["status"] for run in json.loads(result.stdout)] == expected


def test_a_table_says_when_a_run_was_and_how_long_it_took(invoke: Invoke) -> None:
    shown = invoke("logs").stdout

    assert "  4 min  " in shown
    assert "2.0 s" in shown
    assert "Started (UTC)" in shown


def test_no_runs_are_said_in_words_and_in_json_as_an_empty_array(invoke: Invoke) -> None:
    nothing = ("logs", "--failed", "--type", "stats")

    assert (
        invoke(*nothing).stdout
        == "No run matches --failed and --type stats together, though each alone matches some.\n"
    )
    assert invoke(*nothing, "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    "options", [["--type", "market"], ["--since", "yesterday"], ["--limit", "0"], ["--limit", "x"]], ids=" ".join
)
def test_a_bad_option_is_wrong_usage(invoke: Invoke, options: list[str]) -> None:
    result = invoke("logs", *options)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_a_missing_database_is_named_and_not_made(command: CommandLine) -> None:
    result = command("logs")

    assert result.returncode == 1
    assert str(command.database) in result.stderr
    assert not command.database.exists()
