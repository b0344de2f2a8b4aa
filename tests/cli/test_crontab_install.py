"""`crontab install` and `remove`: one block comes and goes, and everything else stays byte for byte."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from opinionscope.job_table import JOBS
from opinionscope.schedule.cron_lines import BEGIN, END
from tests.cli.fake_crontab import HEADER, FakeCrontab, make_crontab
from tests.cli.installation import make_installation
from tests.conftest import COMMAND, CommandLine

FOREIGN = b"# my own lines\r\nMAILTO=me\n\n5 4 * * *  echo 'caf\xe9' \\% %stdin\t\n# BEGIN other\n"


@pytest.fixture
def crontab(command: CommandLine, tmp_path: Path) -> FakeCrontab:
    fake = make_crontab(tmp_path / "bin")
    command.settings["PATH"] = fake.path
    return fake


def test_install_writes_what_show_prints(command: CommandLine, crontab: FakeCrontab) -> None:
    result = command("crontab", "install", "--yes")
    assert (result.returncode, result.stderr) == (0, "")
    assert crontab.lines == command("crontab", "show").stdout.encode()


def test_foreign_lines_stay_byte_for_byte_through_install_and_remove(
    command: CommandLine, crontab: FakeCrontab
) -> None:
    crontab.hold(FOREIGN)
    command("crontab", "install", "--yes")
    assert (crontab.lines or b"").startswith(FOREIGN + BEGIN.encode())
    assert command("crontab", "remove", "--yes").returncode == 0
    assert crontab.lines == FOREIGN


def test_installing_twice_changes_nothing(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(FOREIGN)
    command("crontab", "install", "--yes")
    before = crontab.lines
    assert command("crontab", "install", "--yes").returncode == 0
    assert crontab.lines == before
    assert crontab.writes == 1


def test_an_older_block_is_renewed_in_its_place(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(
        b"1 1 * * * before\n" + f"{BEGIN}\n* * * * * /old/opinionscope stats\n{END}\n".encode() + b"2 2 * * * after\n"
    )
    command("crontab", "install", "--yes")
    block = command("crontab", "show").stdout.encode()
    assert crontab.lines == b"1 1 * * * before\n" + block + b"2 2 * * * after\n"


def test_a_last_line_without_an_end_gets_one(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.hold(b"1 1 * * * before")
    command("crontab", "install", "--yes")
    assert (crontab.lines or b"").startswith(b"1 1 * * * before\n" + BEGIN.encode())


def test_a_crontab_of_our_lines_alone_is_removed_as_a_whole(command: CommandLine, crontab: FakeCrontab) -> None:
    command("crontab", "install", "--yes")
    assert command("crontab", "remove", "--yes").returncode == 0
    assert crontab.lines is None
    assert command("crontab", "remove", "--yes").returncode == 0
    assert crontab.writes == 2


@pytest.mark.parametrize("action", ["install", "remove"])
def test_a_crontab_that_cannot_be_read_is_never_written(
    command: CommandLine, crontab: FakeCrontab, action: str
) -> None:
    crontab.hold(FOREIGN)
    crontab.become_unreadable()
    result = command("crontab", action, "--yes")
    assert result.returncode == 1
    assert "you are not allowed to use this program" in result.stderr
    assert (crontab.lines, crontab.writes) == (FOREIGN, 0)


@pytest.mark.parametrize("lines", [f"{BEGIN}\n* * * * * x\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_markers_that_are_no_pair_are_left_to_the_user(command: CommandLine, crontab: FakeCrontab, lines: str) -> None:
    crontab.hold(lines.encode())
    result = command("crontab", "install", "--yes")
    assert result.returncode == 78
    assert "crontab -e" in result.stderr
    assert crontab.lines == lines.encode()


@pytest.mark.parametrize("action", ["install", "remove"])
def test_without_a_terminal_nothing_is_changed_unasked(command: CommandLine, crontab: FakeCrontab, action: str) -> None:
    crontab.hold(f"{BEGIN}\n* * * * * /old/opinionscope stats\n{END}\n".encode())
    for stdin in ("", "y\n"):
        result = command("crontab", action, stdin=stdin)
        assert result.returncode == 2
        assert "--yes" in result.stderr
    assert crontab.writes == 0


def test_a_header_that_the_command_prints_is_not_installed(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.print_header()
    for number in range(3):
        crontab.hold(FOREIGN + f"{BEGIN}\n{number} * * * * /old/opinionscope stats\n{END}\n".encode())
        command("crontab", "install", "--yes")
        assert crontab.lines == FOREIGN + command("crontab", "show").stdout.encode()
    command("crontab", "install", "--yes")
    assert crontab.writes == 3
    command("crontab", "remove", "--yes")
    assert crontab.lines == FOREIGN


def test_headers_that_were_installed_before_are_removed(command: CommandLine, crontab: FakeCrontab) -> None:
    crontab.print_header()
    crontab.hold(HEADER * 3 + FOREIGN)
    command("crontab", "install", "--yes")
    assert crontab.lines == FOREIGN + command("crontab", "show").stdout.encode()


def test_variables_above_the_block_have_the_files_named(command: CommandLine, crontab: FakeCrontab) -> None:
    above = b"HOME=/nowhere\nXDG_CONFIG_HOME=/else\nOPINIONSCOPE_DB=/other.db\n"
    crontab.hold(above)
    command("crontab", "install", "--yes")
    lines = (crontab.lines or b"").decode().splitlines()
    jobs = [line for line in lines if line.endswith(f" --db {command.database}")]
    assert len(jobs) == len(JOBS)
    assert all(f"OPINIONSCOPE_ENV_FILE={command.home}/.config/opinionscope/env " in line for line in jobs)


def test_an_env_file_that_is_still_missing_is_told(command: CommandLine, crontab: FakeCrontab) -> None:
    assert "env does not exist yet; create it" in command("crontab", "install", "--yes").stdout


def test_an_installation_that_will_not_stay_is_told(command: CommandLine, crontab: FakeCrontab) -> None:
    python = make_installation(command.home / ".cache" / "uv" / "archive-v0" / "Zk3")

    def run(*words: str) -> str:
        start = [str(python), "-P", "-m", "opinionscope", *words]
        return subprocess.run(start, env=command.environment, capture_output=True, text=True, check=False).stdout

    said = f"{python} is in a cache, which may be pruned at any time: install it permanently"
    assert said in run("check"), "before anything is installed"
    assert said in run("crontab", "install", "--yes")
    assert said in command("check").stdout, "another installation looks at the lines"


def test_without_a_crontab_command_it_says_what_to_do(command: CommandLine, tmp_path: Path) -> None:
    result = command("crontab", "install", "--yes", PATH=str(tmp_path))
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
