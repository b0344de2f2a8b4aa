"""Start-up: what a run that does nothing loads, and that the short way to a command changes nothing for its user."""

import fcntl
import subprocess
import sys

import pytest

from tests.conftest import CommandLine

HEAVY = {"pydantic", "requests", "sqlite_utils", "rich", "backoff"}


def loaded(command: CommandLine, *words: str) -> set[str]:
    """The packages that a run has loaded by its end."""
    script = f"""
import sys
sys.argv = ["opinionscope", *{words!r}]
from opinionscope.__main__ import main
try:
    main()
finally:
    print(*sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], env=command.environment, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_a_run_that_is_not_due_loads_no_heavy_package(command: CommandLine) -> None:
    assert command("cleanup").returncode == 0

    assert not loaded(command, "cleanup", "--if-due") & HEAVY


def test_a_run_that_is_skipped_loads_no_heavy_package(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    with command.database.with_name(command.database.name + ".whales.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert not loaded(command, "sync", "whales") & HEAVY
    assert command.last_run("whales")["status"] == "skipped"


@pytest.mark.parametrize(
    "words", [("--help",), ("-h",), ("sync", "-h"), ("sync", "whales", "-h"), ("cleanup", "--if-due", "--help")]
)
def test_help_names_the_command_in_full_at_every_depth(command: CommandLine, words: tuple[str, ...]) -> None:
    run = command(*words)

    names = " ".join(word for word in words if not word.startswith("-"))
    assert run.returncode == 0
    assert f"Usage: opinionscope {names}".strip() in run.stdout


def test_flags_count_wherever_they_stand_and_however_often(command: CommandLine) -> None:
    first = command("cleanup", "--if-due", "--if-due")
    beside_an_option = command("cleanup", "--retention-days", "5", "--if-due")
    dry = command("cleanup", "--dry-run", "--if-due", "--dry-run")

    assert [first.returncode, beside_an_option.returncode, dry.returncode] == [0, 0, 0]
    assert "would be deleted" in dry.stdout
    assert command.query("SELECT count(*) FROM sync_logs") == [(1,)]


def test_help_groups_the_commands_with_the_jobs_first(command: CommandLine) -> None:
    shown = command("--help").stdout

    titles = ["Scheduled jobs (run by cron)", "Whales and markets", "Operations", "Try it out"]
    jobs, data, operations, _ = (shown.index(title) for title in titles)
    assert jobs < shown.index("│ sync ") < shown.index("│ cleanup ") < data
    assert data < shown.index("│ activity ") < operations < shown.index("│ status ") < shown.index("│ demo ")


@pytest.mark.parametrize("words", [("activity",), ("markets",), ("logs",), ("simulate",)])
def test_help_of_a_command_with_filters_has_examples(command: CommandLine, words: tuple[str, ...]) -> None:
    assert f"opinionscope {words[0]} --" in command(*words, "--help").stdout
