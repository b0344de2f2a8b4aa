"""Whether something starts what the crontab holds, as far as the processes of this machine can be seen."""

from pathlib import Path

import pytest

from opinionscope.check import cron_daemon
from opinionscope.check.finding import Finding, Level
from opinionscope.schedule.user_crontab import Crontab


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of the test, and a crontab that holds the schedule."""
    monkeypatch.setattr(cron_daemon, "_PROCESSES", tmp_path)
    monkeypatch.setattr(cron_daemon, "read_crontab", lambda: Crontab(b"", b"the block", b""))
    return tmp_path


def add(processes: Path, number: int, name: str, command: bytes) -> None:
    folder = processes / str(number)
    folder.mkdir()
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cmdline").write_bytes(command)


def found() -> list[Finding]:
    return list(cron_daemon.check_cron_daemon())


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("cron", b"/usr/sbin/cron\0-f\0"),
        ("crond", b"crond\0-n\0"),
        ("busybox", b"busybox\0crond\0-f\0"),
        ("supercronic", b"/usr/bin/supercronic\0/etc/crontab\0"),
        ("fcron", b"/usr/sbin/fcron\0"),
    ],
)
def test_a_daemon_is_known_by_its_name(processes: Path, name: str, command: bytes) -> None:
    add(processes, 1, "init", b"/sbin/init\0")
    add(processes, 77, name, command)
    (finding,) = found()
    assert finding.level is Level.OK


def test_no_daemon_is_a_warning(processes: Path) -> None:
    add(processes, 1, "init", b"/sbin/init\0")
    add(processes, 5, "vim", b"vim\0cron.txt\0")
    (processes / "9").mkdir()
    (finding,) = found()
    assert finding.level is Level.WARNING
    assert "no cron daemon is running" in finding.text


def test_nothing_is_said_where_processes_are_hidden_or_nothing_is_installed(
    processes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(processes, 5, "bash", b"bash\0")
    assert found() == []
    add(processes, 1, "init", b"/sbin/init\0")
    monkeypatch.setattr(cron_daemon, "read_crontab", lambda: Crontab(b"", None, b""))
    assert found() == []
