"""A SQLite that lacks what the jobs need is named by the first command, not by the first statement that fails."""

import subprocess
import sys

import pytest

from tests.conftest import CommandLine

WALLET = "0x" + "ab" * 20


def run_on_old_sqlite(command: CommandLine, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command in a Python that says it has SQLite 3.34.1, which has no RETURNING."""
    script = f"""
import sqlite3, sys
sqlite3.sqlite_version, sqlite3.sqlite_version_info = "3.34.1", (3, 34, 1)
sys.argv = ["opinionscope", *{words!r}]
from opinionscope.__main__ import main
main()
"""
    return subprocess.run(
        [sys.executable, "-c", script],
        env=command.environment,
        cwd=command.home,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["whales", "add", WALLET], ["sync", "markets"], ["stats"], ["cleanup", "--if-due"]])
def test_the_first_command_says_it_in_one_line(command: CommandLine, words: list[str]) -> None:
    result = run_on_old_sqlite(command, *words)
    assert (result.returncode, result.stdout) == (78, "")
    assert "has SQLite 3.34.1, but opinionscope needs 3.35 or later" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not command.database.exists()


@pytest.mark.parametrize("exists", [False, True])
def test_check_says_it_before_any_job_runs(command: CommandLine, exists: bool) -> None:
    if exists:
        assert command("stats").returncode == 0
    result = run_on_old_sqlite(command, "check")
    assert result.returncode == 1
    assert "needs 3.35 or later" in " ".join(result.stdout.split())
    for words in (["status"], ["backup", "b.db"], ["restore", "b.db"]):
        assert run_on_old_sqlite(command, *words).returncode == 78
