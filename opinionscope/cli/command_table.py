"""Every command: its name, the module it is in, and the section of `--help` that shows it.

A command's module loads when the command is called, so that a module may import what it needs at its top.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from typer.main import get_command

_JOBS = "Scheduled jobs (run by cron)"
_DATA = "Whales and markets"
_SIGNALS = "Get told"
_OPERATIONS = "Operations"
_TRY = "Try it out"


@dataclass(frozen=True)
class Entry:
    """A command or a group of commands: a `typer.Typer` in a module of `commands`, under the command's own name."""

    module: str
    section: str


COMMANDS = {
    "sync": Entry("jobs", _JOBS),
    "stats": Entry("jobs", _JOBS),
    "cleanup": Entry("jobs", _JOBS),
    "whales": Entry("whales", _DATA),
    "markets": Entry("markets", _DATA),
    "positions": Entry("positions", _DATA),
    "activity": Entry("activity", _DATA),
    "consensus": Entry("consensus", _DATA),
    "rules": Entry("rules", _SIGNALS),
    "signals": Entry("signals", _SIGNALS),
    "status": Entry("status", _OPERATIONS),
    "logs": Entry("logs", _OPERATIONS),
    "check": Entry("check", _OPERATIONS),
    "backup": Entry("backup", _OPERATIONS),
    "restore": Entry("backup", _OPERATIONS),
    "merge": Entry("merge", _OPERATIONS),
    "alert": Entry("alert", _OPERATIONS),
    "crontab": Entry("crontab", _OPERATIONS),
    "dashboard": Entry("dashboard", _OPERATIONS),
    "demo": Entry("demo", _TRY),
    "simulate": Entry("simulate", _TRY),
}


def load_command(name: str) -> Any:
    """The command of this name; its module loads now."""
    entry = COMMANDS[name]
    command: Any = get_command(getattr(import_module(f"opinionscope.cli.commands.{entry.module}"), name))
    command.name = name
    command.rich_help_panel = entry.section
    return command
