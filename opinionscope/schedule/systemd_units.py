"""The schedule as units of systemd: a service and a timer for each job.

See systemd.timer(5), systemd.time(7), and systemd.service(5) on command lines.
"""

from collections.abc import Sequence
from pathlib import Path

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS, Job
from opinionscope.locations import ENV_FILE_VARIABLE, env_file
from opinionscope.schedule.cron_environment import cron_environment
from opinionscope.schedule.files_in_use import files_here, files_under
from opinionscope.schedule.installation import installed_command

_EXPLANATION = """\
# Save each part in ~/.config/systemd/user, under the name in its first line, and start the timers:
#   systemctl --user daemon-reload
#   systemctl --user enable --now {timers}
#   loginctl enable-linger    # so that they also run while you are logged out
# Their output is in `journalctl --user`. What was missed while the machine was off runs at its next start.
"""
_SERVICE = """\
# {unit}.service
[Unit]
Description=opinionscope {job.command}

[Service]
Type=oneshot
Environment={environment}
ExecStart={command}
"""
_TIMER = """\
# {unit}.timer
[Unit]
Description=Start opinionscope {job.command}

[Timer]
OnCalendar={calendar}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


def units_of_this_installation(database: Path | None) -> str:
    """The units for this user. They name the database in use here where their env file would lead to another."""
    here, settings = files_here(database), env_file()
    there = files_under(cron_environment({}) | {ENV_FILE_VARIABLE: str(settings)})
    differs = database is not None or here.database != there.database
    return render_units(installed_command(), settings=settings, database=here.database if differs else None)


def render_units(command: Sequence[str], *, settings: Path, database: Path | None = None) -> str:
    """The units of all jobs. They name `settings`, the env file, and `database` if given.

    Raises ConfigurationError if a path is not allowed in a unit.
    """
    parts = [_EXPLANATION.format(timers=" ".join(f"{_unit(job)}.timer" for job in JOBS))]
    for job in JOBS:
        words = [*command, *job.words, *(() if database is None else ("--db", str(database)))]
        environment = quote(f"{ENV_FILE_VARIABLE}={settings}")
        # Variables are expanded in arguments, but not in the name of the program.
        line = " ".join([quote(words[0]), *(quote(word).replace("$", "$$") for word in words[1:])])
        parts += [
            _SERVICE.format(unit=_unit(job), job=job, environment=environment, command=line),
            _TIMER.format(unit=_unit(job), job=job, calendar=calendar_of(job.schedule)),
        ]
    return "\n".join(parts)


def _unit(job: Job) -> str:
    return f"opinionscope-{job.name}"


def calendar_of(schedule: str) -> str:
    """The calendar expression, in UTC, for the time fields of a crontab line. Raises ValueError if they name days."""
    minute, hour, *days = schedule.split()
    if days != ["*"] * 3:
        raise ValueError(f"{schedule!r} names days")
    return f"*-*-* {_field(hour)}:{_field(minute)}:00 UTC"


def _field(field: str) -> str:
    span, _, step = field.partition("/")
    numbers = "..".join(number if number == "*" else f"{int(number):02}" for number in span.split("-"))
    return f"{numbers}/{step}" if step else numbers


def quote(word: str) -> str:
    """The word, quoted where need be, and with its `%` safe from being read as a specifier."""
    if not word.isprintable():
        raise ConfigurationError(f"{word!r} is not allowed in a unit; expected a path of printable UTF-8 text.")
    escaped = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if escaped != word or not word or set(word) & set(" ';") else word
