"""`crontab install` and `remove`: one block comes and goes, and everything else stays byte for byte."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from opinionscope.schedule.cron_lines import BEGIN, END
from tests.cli.fake_crontab import FakeCrontab, make_crontab
from tests.conftest import COMMAND, CommandLine

FOREIGN = b"# my own lines\r\nMAILTO=me\n\n5 4 * * *  echo 'caf\xe9' \\% %stdin\t\n# BEGIN other\n"


@pytest.fixture
def crontab(command: CommandLine, tmp_path: Path) -> FakeCrontab:
    fake = make_crontab(tmp_path / "bin")
    command.settings["PATH"] = fake.path
    return fake


def test_install_writes_what_show_prints(command: CommandLine, crontab: FakeCrontab) -> None:
    result = command("crontab", "install")
    assert (result.returncode, result.stderr) == (0, "")
    assert crontab.lines == command("crontab", "show").stdout.encode()


def test_foreign_lines_stay_byte_for_byte_through_install_and_remove(
    command: CommandLine, crontab: FakeCrontab
) -> None:
    crontab.hold(FOREIGN)
    command("crontab", "install")
    assert (crontab.lines or b"").startswith(FOREIGN + BEGIN.encode())
    assert command("crontab", "remove").returncode == 0
    assert crontab.lines == FOREIGN


def test_installing_twice_changes_nothing(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(FOREIGN)
    command("crontab", "install")
    before = crontab.lines
    assert command("crontab", "install").returncode == 0
    assert crontab.lines == before
    assert crontab.writes == 1


def test_an_older_block_is_renewed_in_its_place(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(
        b"1 1 * * * before\n" + f"{BEGIN}\n* * * * * /old/opinionscope stats\n{END}\n".encode() + b"2 2 * * * after\n"
    )
    command("crontab", "install")
    block = command("crontab", "show").stdout.encode()
    assert crontab.lines == b"1 1 * * * before\n" + block + b"2 2 * * * after\n"


def test_a_last_line_without_an_end_gets_one(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(b"1 1 * * * before")
    command("crontab", "install")
    assert (crontab.lines or b"").startswith(b"1 1 * * * before\n" + BEGIN.encode())


def test_a_crontab_of_our_lines_alone_is_removed_as_a_whole(command: CommandLine, crontab: FakeCrontab) -> None:
    command("crontab", "install")
    assert command("crontab", "remove").returncode == 0
    assert crontab.lines is None
    assert command("crontab", "remove").returncode == 0
    assert crontab.writes == 2


@pytest.mark.parametrize("action", ["install", "remove"])
def test_a_crontab_that_cannot_be_read_is_never_written(
    command: CommandLine, crontab: FakeCrontab, action: str
) -> None:
    crontab.hold(FOREIGN)
    crontab.become_unreadable()
    result = command("crontab", action)
    assert result.returncode == 1
    assert "you are not allowed to use this program" in result.stderr
    assert (crontab.lines, crontab.writes) == (FOREIGN, 0)


@pytest.mark.parametrize("lines", [f"{BEGIN}\n* * * * * x\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_markers_that_are_no_pair_are_left_to_the_user(command: CommandLine, crontab: FakeCrontab, lines: str) -> None:
    crontab.hold(lines.encode())
    result = command("crontab", "install")
    assert result.returncode == 78
    assert "crontab -e" in result.stderr
    assert crontab.lines == lines.encode()


def test_without_a_crontab_command_it_says_what_to_do(command: CommandLine, tmp_path: Path) -> None:
    result = command("crontab", "install", PATH=str(tmp_path))
    assert result.returncode == 78
    assert "`crontab` command was not found" in result.stderr
    assert "opinionscope crontab show" in result.stderr


@pytest.mark.parametrize(("answer", "writes"), [(b"n\n", 0), (b"y\n", 1)])
def test_on_a_terminal_the_lines_are_shown_and_agreed_to(
    command: CommandLine, crontab: FakeCrontab, answer: bytes, writes: int
) -> None:
    shown = run_and_answer(command, "crontab", "install", answer=answer)
    assert "sync whales" in shown
    assert "[Y/n]" in shown
    assert crontab.writes == writes


def test_yes_asks_nothing_on_a_terminal(command: CommandLine, crontab: FakeCrontab) -> None:
    assert "[Y/n]" not in run_and_answer(command, "crontab", "install", "--yes", answer=b"")
    assert crontab.writes == 1


def run_and_answer(command: CommandLine, *words: str, answer: bytes) -> str:
    inside, outside = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *words], env=command.environment, stdin=outside, stdout=outside, stderr=outside
    ) as process:
        os.close(outside)
        os.write(inside, answer)
        output = b""
        try:
            while chunk := os.read(inside, 65_536):
                output += chunk
        except OSError:  # the terminal is gone with its last process
            process.wait(timeout=30)
    os.close(inside)
    return output.decode()
