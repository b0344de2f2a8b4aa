"""The check of the schedule: whether cron runs this installation, on these files. Only our own words are ever run."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import ConfigurationError, OpinionscopeError
from opinionscope.schedule.cron_environment import cron_environment
from opinionscope.schedule.cron_lines import crontab_of_this_installation, quote
from opinionscope.schedule.files_in_use import files_here, files_under
from opinionscope.schedule.installation import INSTALL_PERMANENTLY, installed_command, passing_place
from opinionscope.schedule.installed_line import InstalledLine, find_installed_line, runs_python_unsafely
from opinionscope.schedule.user_crontab import Crontab, read_crontab

_SECONDS = 30
_RENEW = "run `opinionscope crontab install`"

_ELSEWHERE = ok("schedule", "not in your crontab, but another scheduler runs the jobs on time")


def check_schedule(database: Path | None, runs_elsewhere: bool) -> Iterator[Finding]:
    """Whether the schedule is in the crontab, and its lines work as cron runs them. `database` is what `--db` names.

    `runs_elsewhere`: the jobs run as scheduled; if the crontab does not start them, systemd or Kubernetes does.
    """
    yield from _check_place(Path(installed_command()[0]))
    try:
        crontab = read_crontab()
        if runs_elsewhere and crontab.block is None:
            yield _ELSEWHERE
            return
        wanted = crontab_of_this_installation(database, crontab.variables)
    except ConfigurationError as error:
        yield _ELSEWHERE if runs_elsewhere else warning("schedule", str(error))
        return
    except OpinionscopeError as error:
        yield failure("schedule", str(error))
        return
    if crontab.block is None:
        yield warning("schedule", "not in your crontab: run `opinionscope crontab install`")
        return
    line = find_installed_line(os.fsdecode(crontab.block))
    if line is None:
        yield failure("schedule", f"the block in your crontab does not start opinionscope: {_RENEW}")
        return
    yield _judge_line(line, crontab, wanted, database)
    if line.command[0] != installed_command()[0]:
        yield from _check_place(Path(line.command[0]))
    if runs_python_unsafely(os.fsdecode(crontab.content)):
        yield warning("schedule", f"`python -m opinionscope` without -P imports modules that lie in HOME: {_RENEW}")


def _check_place(program: Path) -> Iterator[Finding]:
    if problem := passing_place(program):
        yield warning("installation", f"{problem}: {INSTALL_PERMANENTLY}")


def _judge_line(line: InstalledLine, crontab: Crontab, wanted: str, database: Path | None) -> Finding:
    environment, without_variables = (
        cron_environment(above | line.variables) for above in (crontab.variables, dict[str, str]())
    )
    if problem := _problem_under(environment, line.command):
        blamed = crontab.variables and not _problem_under(without_variables, line.command)
        advice = f"; correct {_names(crontab)} above it" if blamed else f": {_RENEW}"
        return failure("schedule", f"cron cannot run the command in your crontab ({problem}){advice}")
    if elsewhere := _other_files(environment, line, database):
        if crontab.variables and elsewhere != _other_files(without_variables, line, database):
            return failure(
                "schedule", f"cron's jobs use {elsewhere}, because of {_names(crontab)} above them: {_RENEW}"
            )
        return warning("schedule", f"cron's jobs use {elsewhere}: {_RENEW}")
    if line.foreign:
        return warning("schedule", f"works, but your line has words before the command, not tried: {line.foreign}")
    if os.fsdecode(crontab.block or b"") != wanted:
        return warning("schedule", f"the block in your crontab works, but is not this installation's: {_RENEW}")
    return ok("schedule", "in your crontab, and its command starts in cron's environment")


def _names(crontab: Crontab) -> str:
    """The variables above our lines; their values may be secret."""
    return ", ".join(f"{name}=" for name in crontab.variables)


def _problem_under(environment: Mapping[str, str], command: list[str]) -> str | None:
    """What our command says when cron's shell starts it in this environment and it fails; None if it starts."""
    home = environment.get("HOME", "")
    try:
        answer = subprocess.run(  # noqa: S603 - our own words, quoted
            [environment["SHELL"], "-c", " ".join(map(_plain, [*command, "--version"]))],
            env=dict(environment),
            cwd=home if os.path.isdir(home) else "/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if answer.returncode == 0 and answer.stdout.startswith("opinionscope "):
        return None
    said = answer.stderr.strip()
    return (f"…{said[-200:]}" if len(said) > 200 else said) or f"exit status {answer.returncode}"


def _plain(word: str) -> str:
    """The word for the shell; cron has taken the backslash off a percent sign."""
    return quote(word).replace(r"\%", "%")


def _other_files(environment: Mapping[str, str], line: InstalledLine, database: Path | None) -> str | None:
    """Which other files the jobs of cron use than a command here does, and why that is wrong; None if the same."""
    here, there = files_here(database), files_under(environment)
    used = Path(line.database) if line.database else there.database
    if here.env_file != there.env_file and (_exists(here.env_file) or _exists(there.env_file)):
        return f"the env file {there.env_file}, not {here.env_file}"
    if used != here.database:
        return f"the database {used}, not {here.database}"
    return None


def _exists(path: Path | None) -> bool:
    return path is not None and path.exists()
