"""`crontab show`, and the example beside the sources: lines that every cron takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS
from opinionscope.schedule.cron_lines import BEGIN, END, quote, render_crontab
from tests.conftest import CommandLine

EXAMPLE = Path(__file__).parents[2] / "crontab.example"
FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?")


def job_lines(crontab: str) -> list[tuple[list[str], str]]:
    """The five fields and the command of each line that is no comment; each checked for its form."""
    assert crontab.endswith("\n")
    jobs = []
    for line in crontab.splitlines():
        if line and not line.startswith("#"):
            *fields, command = line.split(maxsplit=5)
            assert len(fields) == 5
            assert all(FIELD.fullmatch(field) for field in fields)
            assert len(line) < 998
            jobs.append((fields, command))
    return jobs


def test_the_lines_start_this_installation_by_absolute_paths(command: CommandLine) -> None:
    shown = command("crontab", "show")
    jobs = job_lines(shown.stdout)

    assert shown.returncode == 0
    assert "%" not in shown.stdout
    assert shown.stdout.startswith(BEGIN)
    assert shown.stdout.endswith(f"{END}\n")
    assert [" ".join(fields) for fields, _ in jobs] == [job.schedule for job in JOBS]
    for _, line in jobs:
        program = Path(shlex.split(line)[0])
        assert program.is_absolute()
        assert program.exists()


def test_what_a_line_starts_works_with_crons_environment(command: CommandLine) -> None:
    stats = next(line for _, line in job_lines(command("crontab", "show").stdout) if " stats" in line)
    bare = {"HOME": str(command.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}

    run = subprocess.run(["/bin/sh", "-c", stats], env=bare, cwd="/", capture_output=True, check=False, timeout=60)

    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert command.last_run("stats")["status"] == "completed"


def test_files_that_cron_would_not_find_are_named(command: CommandLine) -> None:
    env_file = command.home / "my env"
    env_file.touch()

    shown = command("crontab", "show", "--db", "here.db", OPINIONSCOPE_ENV_FILE=str(env_file)).stdout

    for _, line in job_lines(shown):
        assert shlex.split(line)[0] == f"OPINIONSCOPE_ENV_FILE={env_file}"
        assert shlex.split(line)[-2:] == ["--db", str(command.home / "here.db")]


def test_default_files_are_left_to_the_defaults(command: CommandLine) -> None:
    shown = command("crontab", "show", OPINIONSCOPE_DB="").stdout

    assert "OPINIONSCOPE_ENV_FILE" not in shown
    assert "--db" not in shown


@pytest.mark.parametrize("path", ["/a b/x", "/50%/x", "/it's/$HOME/`x`", '/"q"/x\\y', "/Été/x", "/a;b&c|d(e)"])
def test_a_path_reaches_the_command_as_it_is(path: str) -> None:
    """Through vixie's cron, which takes the backslash off a percent sign, and through busybox's, which does not."""
    quoted = quote(path)

    for handed_on in (quoted, quoted.replace("\\%", "%")):
        printed = subprocess.run(["/bin/sh", "-c", f"printf %s {handed_on}"], capture_output=True, check=True)
        assert printed.stdout.decode() == path
    assert not re.search(r"(?<!\\)%", quoted)


def test_a_path_that_cannot_stand_in_a_crontab_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        render_crontab(["/a\nb/opinionscope"])


def test_the_example_agrees_with_what_the_command_prints() -> None:
    example = EXAMPLE.read_text(encoding="utf-8")

    assert example.endswith(render_crontab(["/opt/opinionscope/bin/opinionscope"]))
    assert [" ".join(fields) for fields, _ in job_lines(example)] == [job.schedule for job in JOBS]
