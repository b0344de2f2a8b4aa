"""The check that something starts what the crontab holds."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from opinionscope.check.finding import Finding, ok, warning
from opinionscope.errors import OpinionscopeError
from opinionscope.schedule.user_crontab import read_crontab

_PROCESSES = Path("/proc")
# Debian's cron, cronie and dcron, fcron, GNU mcron, bcron and those made for containers.
_DAEMONS = frozenset({"cron", "crond", "fcron", "mcron", "bcron-sched", "supercronic", "yacron"})


def check_cron_daemon() -> Iterator[Finding]:
    """Whether a cron daemon runs, if our schedule is in the crontab. Says nothing where processes cannot be seen."""
    try:
        if read_crontab().block is None:
            return
    except OpinionscopeError:
        # The check of the schedule reports it.
        return
    names = _running_programs()
    if names is None:
        return
    daemons = sorted(names & _DAEMONS)
    if daemons:
        yield ok("cron", f"{daemons[0]} is running")
    else:
        advice = "start it, for example with `systemctl enable --now cron` (or `crond`), and again after each boot"
        yield warning("cron", f"no cron daemon is running, so nothing starts the schedule: {advice}")


def _running_programs() -> set[str] | None:
    """The names of all processes; None where others' are hidden or the system has no /proc.

    See https://man7.org/linux/man-pages/man5/proc.5.html for `comm` and for the option `hidepid`.
    """
    if not (_PROCESSES / "1" / "cmdline").exists():
        return None
    names = set[str]()
    for folder in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            names.add((folder / "comm").read_text(errors="replace").strip())
            # BusyBox's crond may be called `busybox`.
            words = (folder / "cmdline").read_bytes().split(b"\0")
            names.update(Path(word.decode(errors="replace")).name for word in words[:2])
    return names
