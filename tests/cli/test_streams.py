"""Standard streams that are closed, full or left by their reader: the work is done, and the exit status is true."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json, print_json_array
from opinionscope.cli.output.tables import print_table
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import insert_trades
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.cli.conftest import COMPLETE, trade
from tests.cli.terminal import run_on_terminal
from tests.conftest import COMMAND, CommandLine

Result = subprocess.CompletedProcess[str]


def run_in_shell(command: CommandLine, redirected: str, *words: str) -> Result:
    """Run the command as the shell starts it with these redirections; buffered, as it is by default."""
    line = f'exec "$@" {redirected}'
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND, *words],
        env=command.environment | {"PYTHONUNBUFFERED": ""},
        cwd=command.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_job_runs_with_closed_streams(command: CommandLine, closed: str) -> None:
    result = run_in_shell(command, closed, "stats")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert command.last_run("stats")["status"] == "completed"


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("verbose", [[], ["--verbose"]], ids=["", "verbose"])
def test_errors_never_reach_the_output_or_the_files_in_its_place(
    command: CommandLine, closed: str, verbose: list[str]
) -> None:
    result = run_in_shell(command, closed, "sync", "markets", *verbose)

    assert (result.returncode, result.stdout, result.stderr) == (78, "", "")
    assert command.last_run("markets")["status"] == "failed"
    assert command.query("PRAGMA integrity_check") == [("ok",)]
    assert {file.read_bytes() for file in command.database.parent.glob("*.lock")} == {b""}


def test_a_closed_input_is_an_empty_one(command: CommandLine) -> None:
    result = run_in_shell(command, "<&-", "whales", "import", "-")

    assert result.returncode == 2
    assert "contains no wallets" in result.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words",
    [["whales", "list"], ["whales", "list", "--json"], ["status"], ["--version"], ["--help"]],
    ids=" ".join,
)
def test_output_that_cannot_be_written_is_a_failure_in_one_line(
    stored: CommandLine, words: list[str], unbuffered: str
) -> None:
    stored.settings["PYTHONUNBUFFERED"] = unbuffered
    result = run_in_shell(stored, "> /dev/full", *words)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "No space left on device" in result.stderr


def test_work_that_was_done_is_kept_when_it_cannot_be_told(command: CommandLine) -> None:
    assert run_in_shell(command, "> /dev/full", "whales", "add", COMPLETE).returncode == 1
    assert command.query("SELECT address FROM whales") == [(COMPLETE,)]


def test_the_status_is_true_when_even_errors_cannot_be_written(command: CommandLine) -> None:
    assert run_in_shell(command, "2> /dev/full", "sync", "markets").returncode == 78
    assert run_in_shell(command, "2> /dev/full", "whales", "add", "0x12").returncode == 2


def test_a_warning_that_cannot_be_written_changes_no_status(command: CommandLine) -> None:
    code = (
        "import logging, sys; sys.argv[1:] = ['stats']; from opinionscope.jobs import stats; work = stats.work; "
        "stats.work = lambda run: (logging.getLogger('opinionscope').warning('x'), work(run))[1]; "
        "from opinionscope.__main__ import main; main()"
    )
    run = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2> /dev/full', "sh", sys.executable, "-c", code],
        env=command.environment | {"PYTHONUNBUFFERED": ""},
        check=False,
    )

    assert run.returncode == 0
    assert command.last_run("stats")["status"] == "completed"


def without_reader(command: CommandLine, *words: str) -> tuple[int, str]:
    """The exit status and the errors of a command whose reader has gone before it prints."""
    process = command.start(*words)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["check"]], ids=" ".join)
def test_a_reader_that_leaves_hides_no_problem(stored: CommandLine, words: list[str]) -> None:
    assert without_reader(stored, *words) == (1, "")


def test_a_target_that_refuses_is_told_though_the_reader_has_left(command: CommandLine) -> None:
    command.settings["OPINIONSCOPE_ALERT_URLS"] = "json://127.0.0.1:1"
    assert without_reader(command, "alert", "test") == (1, "")


@pytest.mark.parametrize("columns", ["0", "00", " "])
def test_a_width_of_nothing_means_that_it_is_unknown(stored: CommandLine, columns: str) -> None:
    assert "Ann" in run_on_terminal(stored, "whales", "list", width=80, COLUMNS=columns)
    assert "Usage: opinionscope" in stored("--help", COLUMNS=columns).stdout


@pytest.fixture
def large(command: CommandLine) -> CommandLine:
    """A database of many trades."""
    now = utc_now()
    with Store.open(command.database) as store:
        add_whales(store, [(COMPLETE, "Ann")], "manual", now)
        trades = [trade(number, now - timedelta(seconds=number), title=f"Day {number}") for number in range(12_000)]
        with store.transaction() as transaction:
            insert_trades(transaction, COMPLETE, trades, now)
    return command


def peak_memory(command: CommandLine, output: Path, *words: str) -> int:
    """The most memory that the command has had, in KiB."""
    with output.open("wb") as stdout:
        process = subprocess.Popen([*COMMAND, *words], env=command.environment, stdout=stdout)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


@pytest.mark.parametrize("form", [["--json"], ["--csv"], []], ids=["json", "csv", "table"])
def test_a_long_listing_is_whole_and_takes_no_more_memory_than_a_short_one(
    large: CommandLine, tmp_path: Path, form: list[str]
) -> None:
    short = peak_memory(large, tmp_path / "short", "activity", "--limit", "1000", *form)
    long = peak_memory(large, tmp_path / "long", "activity", "--limit", "1000000", *form)

    assert long < short + 8 * 1024
    text = (tmp_path / "long").read_text()
    titles = [trade["market_title"] for trade in json.loads(text)] if form == ["--json"] else titles_in(text)
    assert titles == [f"Day {number}" for number in range(12_000)]


def titles_in(table: str) -> list[str]:
    return re.findall(r"Day \d+", table)


def test_a_reader_that_leaves_ends_a_long_listing(large: CommandLine) -> None:
    assert without_reader(large, "activity", "--limit", "1000000", "--json") == (0, "")


def test_an_array_is_printed_as_one_document_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    documents: list[dict[str, Any]] = [
        {"text": "\x9b é\n", "none": None, "list": ["a", "b"], "empty": []},
        {"number": 0.1, "yes": True},
    ]
    for array in ([], documents[:1], documents * 300):
        print_json(array)
        whole = capsys.readouterr().out
        print_json_array(iter(array))
        assert capsys.readouterr().out == whole


Show = Callable[[list[dict[str, str | None]]], list[str]]


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """The lines of a table of two columns, the second of them optional."""
    columns = [
        Column("Name", lambda row: row["name"]),
        Column("Error", lambda row: row["error"], optional=True),
    ]

    def lines(rows: list[dict[str, str | None]]) -> list[str]:
        print_table(columns, iter(rows), nothing="Nothing.")
        return capsys.readouterr().out.splitlines()

    return lines


def test_a_column_that_is_needed_only_far_down_gets_a_heading_there(show: Show) -> None:
    rows = [{"name": "x", "error": None}] * 1_500 + [{"name": "longer", "error": "late"}]

    lines = show(rows)

    assert lines[0] == "Name"
    assert lines.count("Name    Error") == 1
    assert lines[-1] == "longer  late"
    assert len(lines) == 1_501 + 3, "two headings and a blank line"
    assert show([]) == ["Nothing."]


def test_a_column_stays_when_only_the_first_rows_need_it(show: Show) -> None:
    rows: list[dict[str, str | None]] = [{"name": "x", "error": None}] * 1_500

    lines = show([{"name": "longer", "error": "early"}, *rows])

    assert lines[:3] == ["Name    Error", "longer  early", "x       –"]
    assert lines[-1] == "x       –"
    assert len(lines) == 1_502
