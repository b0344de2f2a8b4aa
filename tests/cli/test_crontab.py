"""`crontab show`, and the example beside the sources: lines that every cron takes."""

import os
import pwd
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS
from opinionscope.schedule.cron_environment import variables_in
from opinionscope.schedule.cron_lines import BEGIN, END, quote, render_crontab
from opinionscope.schedule.installation import passing_place
from opinionscope.schedule.installed_line import InstalledLine, find_installed_line
from tests.cli.installation import make_installation
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
        program = Path(next(word for word in shlex.split(line) if "=" not in word))
        assert program.is_absolute()
        assert program.exists()


def test_what_a_line_starts_works_with_crons_environment(command: CommandLine) -> None:
    env_file_of(command).touch()
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


def test_a_home_that_cron_does_not_use_has_its_files_named(command: CommandLine) -> None:
    shown = command("crontab", "show", OPINIONSCOPE_DB="").stdout

    for _, line in job_lines(shown):
        assert shlex.split(line)[0] == f"OPINIONSCOPE_ENV_FILE={env_file_of(command)}"
        assert shlex.split(line)[-2:] == ["--db", str(command.home / ".local/share/opinionscope/opinionscope.db")]


def test_default_files_are_left_to_the_defaults(command: CommandLine) -> None:
    shown = command("crontab", "show", OPINIONSCOPE_DB="", HOME=pwd.getpwuid(os.geteuid()).pw_dir).stdout

    assert "OPINIONSCOPE_ENV_FILE" not in shown
    assert "--db" not in shown


def test_a_database_that_the_env_file_names_is_left_to_it(command: CommandLine) -> None:
    env_file_of(command).write_text(f"OPINIONSCOPE_DB={command.database}\n")

    shown = command("crontab", "show").stdout

    assert f"OPINIONSCOPE_ENV_FILE={env_file_of(command)}" in shown
    assert "--db" not in shown


def env_file_of(command: CommandLine) -> Path:
    """The default env file of the test's HOME, in a folder that exists."""
    file = command.home / ".config" / "opinionscope" / "env"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def test_a_line_that_starts_python_imports_nothing_that_lies_in_home(command: CommandLine, tmp_path: Path) -> None:
    env_file_of(command).touch()
    python = make_installation(tmp_path / "installation")
    shown = subprocess.run(
        [python, "-m", "opinionscope", "crontab", "show"],
        env=command.environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    lines = {line.partition(" -m opinionscope ")[2].split()[0]: line for _, line in job_lines(shown.stdout)}
    for module in ("requests", "json", "types", "random", "pydantic", "typer", "platformdirs"):
        (command.home / f"{module}.py").write_text(f"raise SystemExit('imported {module}.py from HOME')\n")

    run = subprocess.run(
        ["/bin/sh", "-c", lines["stats"]],
        env={"HOME": str(command.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
        cwd=command.home,
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"{python} -P -m opinionscope stats" in lines["stats"]
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


PROGRAM = "/opt/o/bin/opinionscope"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{PROGRAM} sync markets", InstalledLine([PROGRAM], {}, None, "")),
        (f"{PROGRAM} sync markets --db /a\\ b/100\\%", InstalledLine([PROGRAM], {}, "/a b/100%", "")),
        (f"A=b\\ c {PROGRAM} sync markets >> log 2>&1", InstalledLine([PROGRAM], {"A": "b c"}, None, "")),
        (f"nice -n 5 {PROGRAM} sync markets", InstalledLine([PROGRAM], {}, None, "nice -n 5")),
        (
            "/o/python3.11 -P -m opinionscope sync markets",
            InstalledLine(["/o/python3.11", "-P", "-m", "opinionscope"], {}, None, ""),
        ),
        ("/o/python -m opinionscope sync markets", InstalledLine(["/o/python", "-m", "opinionscope"], {}, None, "")),
        ("opinionscope sync markets", None),
        ("/bin/rm -rf /home -m opinionscope sync markets", None),
        ("/o/python -c evil -m opinionscope sync markets", None),
        ("/o/other sync markets", None),
        ("-m opinionscope sync markets", None),
        ("sync markets", None),
        (f"'{PROGRAM} sync markets", None),
        (f"{PROGRAM} stats", None),
    ],
)
def test_of_an_installed_line_only_our_own_words_are_taken(line: str, found: InstalledLine | None) -> None:
    assert find_installed_line(f"# * * * * * /x/opinionscope sync markets\n2-59/5 * * * * {line}\n") == found


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("HOME=/a", {"HOME": "/a"}),
        (" HOME = /a b ", {"HOME": "/a b"}),
        ("HOME=", {"HOME": ""}),
        ("HOME=' /a'", {"HOME": " /a"}),
        ('"HOME"="/a"', {"HOME": "/a"}),
        ("A=b=c # no comment", {"A": "b=c # no comment"}),
        ("# A=b", {}),
        ("*/5 * * * * A=b command", {}),
        ("@hourly A=b command", {}),
        ("", {}),
    ],
)
def test_variable_lines_are_read_as_cron_reads_them(line: str, value: dict[str, str]) -> None:
    assert variables_in(f"{line}\n".encode()) == value


def test_a_program_in_a_cache_or_a_temporary_folder_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").touch()

    assert passing_place(Path("/opt/opinionscope/bin/opinionscope")) is None
    assert passing_place(Path("/home/ann/.local/bin/opinionscope")) is None
    assert "is in a cache" in (passing_place(Path("/home/ann/.cache/uv/archive-v0/x/bin/opinionscope")) or "")
    environment = tmp_path / "environments" / "opinionscope"
    environment.mkdir(parents=True)
    (environment / "CACHEDIR.TAG").touch()
    (environment / "pyvenv.cfg").touch()
    assert "is in a cache" in (passing_place(environment / "bin" / "opinionscope") or "")
    (tmp_path / "CACHEDIR.TAG").unlink()
    assert "is in a cache" not in (passing_place(environment / "bin" / "opinionscope") or "")
    assert "/var/tmp" in (passing_place(Path("/var/tmp/x/bin/opinionscope")) or "")


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
