"""`check`: is everything ready for cron? One line each, with what to do."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.check import exchange
from opinionscope.job_table import STATS, WHALES
from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import Outcome, close_run, open_run
from opinionscope.times import utc_now
from tests.cli.fake_crontab import FakeCrontab, make_crontab
from tests.cli.terminal import run_on_terminal
from tests.conftest import CommandLine, Trading
from tests.emulated import IMPATIENT, SILENT_NAME_SERVER, machine


@pytest.fixture
def crontab(command: CommandLine, tmp_path: Path) -> FakeCrontab:
    fake = make_crontab(tmp_path / "bin")
    command.settings["PATH"] = fake.path
    return fake


def small_exchange(clock_ahead: float = 0.0) -> Exchange:
    return Exchange(
        markets=6,
        wallets=1,
        history=5,
        trades_per_minute=0,
        market_churn_per_minute=0,
        clock=lambda: time.time() + clock_ahead,
    )


@pytest.fixture
def ready(command: CommandLine, trading: Trading, crontab: FakeCrontab) -> CommandLine:
    """Everything as it should be: a private env file, an exchange, a database, a schedule."""
    trading(small_exchange(), api_key="good")
    env_file = command.home / ".config" / "opinionscope" / "env"
    env_file.parent.mkdir(parents=True)
    env_file.write_text("OPINION_TRADE_API_KEY=good\n")
    env_file.chmod(0o600)
    del command.settings["OPINION_TRADE_API_KEY"]
    Store.open(command.database).close()
    command("crontab", "install", "--yes")
    return command


def finding(command: CommandLine, subject: str, **settings: str) -> str:
    """The line about a subject. The schedule, which takes a process of its own, is looked at only where it matters."""
    elsewhere = {} if subject == "schedule" else {"PATH": "/nowhere"}
    shown = command("check", **(elsewhere | settings)).stdout
    return next(line for line in shown.splitlines()[1:] if line.split(maxsplit=1)[1].startswith(subject))


@pytest.fixture
def cron_daemon(tmp_path: Path) -> Iterator[None]:
    """A process by the name of a cron daemon."""
    program = tmp_path / "crond"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "120"]) as process:
        yield
        process.kill()


def test_when_all_is_ready_nothing_fails(ready: CommandLine, cron_daemon: None) -> None:
    result = ready("check")
    marks = {line.split(maxsplit=1)[1].split("  ")[0]: line.split()[0] for line in result.stdout.splitlines()[1:]}
    marks.pop("installation", None)  # a warning if the tests themselves run in a temporary folder
    assert (result.returncode, result.stderr) == (0, "")
    assert marks == {
        "settings": "ok",
        "key": "ok",
        "exchange": "ok",
        "clock": "ok",
        "alerts": "ok",
        "pings": "ok",
        "database": "ok",
        "files": "ok",
        "schedule": "ok",
        "cron": "ok",
        "last runs": "ok",
    }
    levels = {"ok": "ok", "warning": "warn"}
    found = {
        found["subject"]: levels[found["level"]]
        for found in map(json.loads, ready("check", "--jsonl").stdout.splitlines())
    }
    found.pop("installation", None)
    assert found == marks


@pytest.mark.parametrize(("minutes", "mark"), [(10, "ok"), (3, "warn")])
@pytest.mark.parametrize("has_crontab", [True, False])
def test_jobs_that_another_scheduler_runs_need_no_crontab(
    ready: CommandLine, minutes: int, mark: str, has_crontab: bool
) -> None:
    ready("crontab", "remove", "--yes")
    if not has_crontab:
        ready.settings["PATH"] = "/nonexistent"
    with Store.open(ready.database) as store:
        for minute in range(minutes):
            close_run(
                store, open_run(store, WHALES, utc_now() - timedelta(minutes=minute)), Outcome("completed"), utc_now()
            )

    assert finding(ready, "schedule").startswith(mark)


@pytest.mark.parametrize("key", ["", "another"])
def test_a_key_that_is_missing_or_refused_fails(ready: CommandLine, key: str) -> None:
    (ready.home / ".config" / "opinionscope" / "env").write_text(f"OPINION_TRADE_API_KEY={key}\n")
    assert ready("check").returncode == 1
    assert finding(ready, "key").startswith("FAIL")


def test_a_key_that_cron_does_not_see_is_a_warning(ready: CommandLine) -> None:
    (ready.home / ".config" / "opinionscope" / "env").unlink()
    assert finding(ready, "settings", OPINION_TRADE_API_KEY="good").startswith("warn")


def test_an_env_file_that_others_may_read_is_a_warning(ready: CommandLine) -> None:
    (ready.home / ".config" / "opinionscope" / "env").chmod(0o644)
    assert "chmod 600" in finding(ready, "settings")
    assert ready("check").returncode == 0


def test_settings_that_are_wrong_fail_and_the_rest_is_still_looked_at(ready: CommandLine) -> None:
    assert finding(ready, "settings", OPINIONSCOPE_RATE_LIMIT="fast").startswith("FAIL")
    assert finding(ready, "database", OPINIONSCOPE_RATE_LIMIT="fast").startswith("ok")


def test_an_exchange_that_does_not_answer_fails(ready: CommandLine) -> None:
    line = finding(ready, "exchange", OPINION_TRADE_BASE_URL="http://127.0.0.1:1/openapi")
    assert line.startswith("FAIL")
    assert "refused" in line


@pytest.mark.parametrize(("ahead", "mark"), [(3, "ok"), (30, "warn"), (-300, "FAIL")])
def test_the_clock_is_compared_with_the_exchange(
    command: CommandLine, trading: Trading, crontab: FakeCrontab, ahead: float, mark: str
) -> None:
    trading(small_exchange(ahead))
    assert finding(command, "clock").startswith(mark)


def test_one_request_is_all_it_takes(ready: CommandLine, trading: Trading) -> None:
    server = trading(small_exchange())
    ready("check")
    assert len(server.requests) == 1


def test_a_database_of_a_newer_version_fails(ready: CommandLine) -> None:
    with Store.open(ready.database) as store:
        store.pragma("user_version = 99")
    assert "upgrade opinionscope" in finding(ready, "database")


def test_a_database_that_is_not_there_yet_is_a_warning_and_is_not_made(ready: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    line = finding(ready, "database", OPINIONSCOPE_DB=str(tmp_path / "new" / "x.db"))
    assert line.startswith("warn")
    assert list((tmp_path / "new").iterdir()) == []


def test_targets_and_ping_urls_that_are_none_fail(ready: CommandLine) -> None:
    assert finding(ready, "alerts", OPINIONSCOPE_ALERT_URLS="json://127.0.0.1, what://x").startswith("FAIL")
    line = finding(ready, "alerts", OPINIONSCOPE_ALERT_URLS="json://anna:pass@127.0.0.1")
    assert line.startswith("ok")
    assert "pass" not in line
    assert finding(ready, "pings", OPINIONSCOPE_PING_URL="ftp://x").startswith("FAIL")


def test_a_schedule_that_is_missing_broken_or_of_another_installation_is_found(
    ready: CommandLine, crontab: FakeCrontab
) -> None:
    installed = crontab.lines or b""
    crontab.hold(installed.replace(b"7 * * * *", b"8 * * * *"))
    assert finding(ready, "schedule").startswith("warn")
    crontab.hold(installed.replace(b"/opinionscope ", b"/gone "))
    assert finding(ready, "schedule").startswith("FAIL")
    crontab.hold(b"1 1 * * * else\n")
    assert "opinionscope crontab install" in finding(ready, "schedule")
    assert finding(ready, "schedule", PATH="/nowhere").startswith("warn")


BROKEN_FOR_CRON = {
    "shell": ("SHELL=/bin/false", "exit status 1"),
    "no shell": ("SHELL=/nowhere/sh", "No such file"),
    "python": ("PYTHONHOME=/nowhere", "encodings"),
    "database": ("OPINIONSCOPE_DB=/elsewhere.db", "the database /elsewhere.db"),
}


@pytest.mark.parametrize(("variable", "said"), BROKEN_FOR_CRON.values(), ids=BROKEN_FOR_CRON)
def test_a_variable_above_our_lines_that_breaks_them_is_found_and_named(
    ready: CommandLine, crontab: FakeCrontab, variable: str, said: str
) -> None:
    """The lines name the env file, and it names the database."""
    env_file = ready.home / ".config" / "opinionscope" / "env"
    env_file.write_text(f"{env_file.read_text()}OPINIONSCOPE_DB={ready.database}\n")
    ready("crontab", "install", "--yes")
    assert b"--db" not in (crontab.lines or b"")
    assert finding(ready, "schedule").startswith("ok")

    crontab.hold(b"MAILTO=me\n" + variable.encode() + b"\n" + (crontab.lines or b""))

    line = finding(ready, "schedule")
    assert line.startswith("FAIL")
    assert said in line
    assert variable.partition("=")[0] in line


@pytest.mark.parametrize("home", ["", "/nowhere", "home"])
def test_the_home_that_the_crontab_sets_is_the_one_that_counts(
    ready: CommandLine, crontab: FakeCrontab, home: str
) -> None:
    """The lines name nothing, and so lead to the files of that HOME."""
    plain = re.sub(rb" --db \S+|OPINIONSCOPE_ENV_FILE=\S+ ", b"", crontab.lines or b"")
    database = ready.home / ".local" / "share" / "opinionscope" / "opinionscope.db"
    ready.settings["OPINIONSCOPE_DB"] = str(database)
    crontab.hold(f"HOME={ready.home if home == 'home' else home}\n".encode() + plain)

    line = finding(ready, "schedule")

    if home == "home":
        assert "is not this installation's" not in line
        assert "cron's jobs use" not in line
    else:
        assert line.startswith("FAIL" if home else ("FAIL", "warn")), "an empty HOME may be that of passwd"
        assert "cron's jobs use the env file" in line
    ready("crontab", "install", "--yes")
    assert finding(ready, "schedule").startswith("ok")


def test_words_of_the_users_own_before_the_command_are_not_run(
    ready: CommandLine, crontab: FakeCrontab, tmp_path: Path
) -> None:
    marker = tmp_path / "was run"
    for prefix in (
        f"touch '{marker}'; ",
        f"X=$(touch '{marker}') ",
        f"`touch '{marker}'` ",
        f"sh -c 'touch {marker}' ",
    ):
        lines = (crontab.lines or b"").decode().replace(" OPINIONSCOPE_ENV_FILE", f" {prefix}OPINIONSCOPE_ENV_FILE")
        crontab.hold(lines.encode())
        line = finding(ready, "schedule")
        assert line.startswith("warn"), line
        assert not marker.exists()


def test_a_program_that_is_not_ours_is_not_run(ready: CommandLine, crontab: FakeCrontab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"#!/bin/sh\ntouch {tmp_path}/marker\n")
    other.chmod(0o755)
    crontab.hold(re.sub(rb"\S+/opinionscope(?= (sync|stats|cleanup))", bytes(other), crontab.lines or b""))
    assert finding(ready, "schedule").startswith("FAIL")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(("flag", "named"), [("", True), ("-P ", False), ("-I ", False)])
def test_lines_that_import_what_lies_in_home_are_named(
    ready: CommandLine, crontab: FakeCrontab, flag: str, named: bool
) -> None:
    crontab.hold(f"* * * * * {sys.executable} {flag}-m opinionscope status\n".encode() + (crontab.lines or b""))
    assert ("imports modules that lie in HOME" in ready("check").stdout) == named


def test_the_last_runs_are_named(ready: CommandLine) -> None:
    ready("stats")
    assert "stats completed" in finding(ready, "last runs")


def test_a_job_that_fails_fails_the_check(ready: CommandLine) -> None:
    for words in (["sync", "markets"], ["sync", "whales"], ["sync", "positions"], ["stats"], ["cleanup"]):
        assert ready(*words).returncode == 0
    assert finding(ready, "last runs").startswith("ok")
    ready("sync", "markets", OPINION_TRADE_BASE_URL="http://127.0.0.1:1/openapi", OPINIONSCOPE_MAX_ATTEMPTS="1")
    assert ready("check").returncode == 1
    assert finding(ready, "last runs").startswith("FAIL")


def test_a_run_that_was_killed_fails_the_check(ready: CommandLine) -> None:
    with Store.open(ready.database) as store:
        open_run(store, STATS, utc_now())
    line = finding(ready, "last runs")
    assert "stats killed" in line
    assert line.startswith("FAIL")


def test_a_name_server_that_does_not_answer_ends_the_check_in_time(ready: CommandLine, tmp_path: Path) -> None:
    assert exchange._SECONDS + exchange._ANSWER_STILL_COMING < 30
    shown = ready(
        "check",
        OPINION_TRADE_BASE_URL="https://exchange.invalid/openapi",
        **machine(tmp_path / "machine", SILENT_NAME_SERVER + IMPATIENT),
    )
    assert shown.returncode == 1
    assert "is the name server working?" in shown.stdout


def test_a_terminal_gets_signs(ready: CommandLine) -> None:
    shown = run_on_terminal(ready, "check", width=100, NO_COLOR="1")
    assert "✓  settings" in shown
    assert "✓  last runs" in shown
