"""`status`: the whole on one screen, and an exit status for monitors."""

import json
import re
from datetime import timedelta
from os import terminal_size

import pytest

from opinionscope.cli.output.terminal import write
from opinionscope.cli.output.watch import watch
from opinionscope.errors import UsageError
from opinionscope.job_table import JOB_NAMES
from opinionscope.locks import beside, try_lock
from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from opinionscope.store.schedule import record_installation
from opinionscope.store.sync_logs import Outcome, RunStatus, close_run, log_skipped, open_run
from opinionscope.store.whales import add_whales
from opinionscope.times import to_millis_text, utc_now
from tests.cli.conftest import HOSTILE
from tests.cli.terminal import run_on_terminal
from tests.conftest import JOB, CommandLine, Trading

KEYS = {
    "healthy": None,
    "requests": {"last_minute", "last_hour", "throttled_last_hour", "limit_per_second"},
    "wallets": {"tracked", "complete", "catching_up", "behind"},
    "positions": {"checked_at", "disagreeing"},
    "database": {"path", "bytes"},
    "alerts": {"last_sent_at", "last_error"},
    "delay": {"median_seconds", "p95_seconds", "trades"},
    "polling": {
        "polls_per_run",
        "run_seconds",
        "longest_gap_seconds",
        "wallets_that_fit",
        "held_gap_seconds",
        "expected_median_seconds",
        "expected_p95_seconds",
    },
}
JOB_KEYS = {
    "job",
    "last_status",
    "last_started_at",
    "last_success_at",
    "failures_in_a_row",
    "overdue",
    "typical_seconds",
}


def log(command: CommandLine, name: str, status: RunStatus, minutes_ago: float, error: str | None = None) -> None:
    job = JOB[name]
    began = utc_now() - timedelta(minutes=minutes_ago)
    with Store.open(command.database) as store:
        if status == "skipped":
            log_skipped(store, job, began)
            return
        run = open_run(store, job, began)
        if status != "running":
            close_run(store, run, Outcome(status, error=error), began + timedelta(seconds=2))


def first_used(command: CommandLine, before: timedelta) -> None:
    """Make the database as old as that."""
    with Store.open(command.database) as store, store.transaction() as transaction:
        transaction.execute("UPDATE schedule SET first_used_at = ?", (to_millis_text(utc_now() - before),))


@pytest.fixture
def well(command: CommandLine) -> CommandLine:
    """Every job has completed of late."""
    for job in JOB_NAMES:
        log(command, job, "completed", 2)
    return command


def test_json_has_every_key_that_programs_rely_on(well: CommandLine) -> None:
    result = well("status", "--json")
    document = json.loads(result.stdout)
    assert (result.returncode, result.stderr) == (0, "")
    assert document["healthy"] is True
    for key, inner in KEYS.items():
        assert inner is None or inner <= set(document[key])
    assert [job["job"] for job in document["jobs"]] == list(JOB_NAMES)
    assert all(set(job) >= JOB_KEYS for job in document["jobs"])
    assert document["jobs"][0]["typical_seconds"] == 2
    assert document["database"] == {"path": str(well.database), "bytes": document["database"]["bytes"]}
    assert document["database"]["bytes"] > 4096


def test_all_is_well_ends_with_0_and_says_so(well: CommandLine) -> None:
    result = well("status")
    assert result.returncode == 0
    assert "all jobs are healthy" in result.stdout


@pytest.mark.parametrize("status", ["failed", "partial"])
def test_a_failing_job_ends_with_1_and_says_why(well: CommandLine, status: RunStatus) -> None:
    log(well, "whales", status, 1, "exchange error (HTTP 503)")
    log(well, "whales", "skipped", 0.5)
    result = well("status")
    assert result.returncode == 1
    assert f"whales  the last run {'was partial' if status == 'partial' else 'failed'}" in result.stdout
    assert "exchange error (HTTP 503)" in result.stdout


def test_an_overdue_job_ends_with_1(command: CommandLine) -> None:
    for job in JOB_NAMES:
        log(command, job, "completed", 6)
    result = command("status")
    assert result.returncode == 1
    assert [line.split()[0] for line in result.stdout.splitlines() if "OVERDUE" in line] == ["whales"]


def test_a_job_that_never_ran_ends_with_1(command: CommandLine) -> None:
    log(command, "stats", "completed", 1)
    first_used(command, timedelta(days=2))
    result = command("status", "--json")
    assert result.returncode == 1
    assert [job["last_status"] for job in json.loads(result.stdout)["jobs"]] == [None, None, None, "completed", None]


def test_a_job_that_could_not_run_yet_is_not_yet_due(command: CommandLine) -> None:
    log(command, "whales", "completed", 1)
    result = command("status")
    assert result.returncode == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines if line[-3:] == ["not", "yet", "due"]] == [
        job for job in JOB_NAMES if job != "whales"
    ]
    first_used(command, timedelta(minutes=16))
    result = command("status")
    assert result.returncode == 1
    assert [line.split()[0] for line in result.stdout.splitlines() if "OVERDUE" in line] == ["markets"]
    assert "markets  has never run" in result.stdout


def test_a_schedule_that_was_just_installed_gives_each_job_its_time(command: CommandLine) -> None:
    for job in JOB_NAMES:
        log(command, job, "completed", 3 * 24 * 60)
    assert command("status").returncode == 1
    with Store.open(command.database) as store:
        record_installation(store, utc_now())
    assert command("status").returncode == 0


def test_a_killed_run_is_a_failure_at_once_and_has_no_end(well: CommandLine) -> None:
    log(well, "whales", "running", 1)
    with try_lock(beside(well.database, "whales.lock")):
        assert well("status").returncode == 0, "it holds its lock: it is running"
        assert json.loads(well("logs", "--limit", "1", "--json").stdout)[0]["status"] == "running"
    before = sorted(file.name for file in well.database.parent.glob("*.lock"))
    result = well("status", "--json")
    whales = json.loads(result.stdout)["jobs"][1]
    assert (result.returncode, whales["last_status"], whales["failures_in_a_row"]) == (1, "failed", 1)
    assert "was killed before it ended" in whales["problem"]
    (row,) = json.loads(well("logs", "--limit", "1", "--json").stdout)
    assert (row["status"], row["ended_at"], row["error"]) == ("failed", None, "killed before it ended")
    assert well.query("SELECT status FROM sync_logs ORDER BY id DESC LIMIT 1") == [("running",)]
    assert sorted(file.name for file in well.database.parent.glob("*.lock")) == before
    log(well, "whales", "completed", 0)
    assert well.query("SELECT status, ended_at FROM sync_logs ORDER BY id DESC LIMIT 1 OFFSET 1") == [("failed", None)]


def test_without_a_database_it_says_so_in_one_line(command: CommandLine) -> None:
    result = command("status", "--json")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


def test_wallets_are_counted_by_how_complete_they_are(stored: CommandLine) -> None:
    wallets = json.loads(stored("status", "--json").stdout)["wallets"]
    assert (wallets["tracked"], wallets["complete"], wallets["catching_up"], wallets["behind"]) == (3, 1, 1, 1)


def test_with_more_wallets_than_the_limit_allows_it_says_how_many_fit(command: CommandLine) -> None:
    addresses = [f"0x{number:040x}" for number in range(20)]
    with Store.open(command.database) as store:
        add_whales(store, [(address, None) for address in addresses], "manual", utc_now())
    assert "each wallet every minute" in command("status").stdout

    command.settings |= {"OPINIONSCOPE_RATE_LIMIT": "0.04", "OPINIONSCOPE_LONGEST_GAP": "10m"}
    shown, polling = command("status").stdout, json.loads(command("status", "--json").stdout)["polling"]

    assert "20 wallets share 2 polls every minute" in shown
    assert "only 15 wallets fit into a longest gap of 10 min" in shown
    assert (polling["wallets_that_fit"], polling["held_gap_seconds"]) == (15, 800)
    page = json.loads(command("whales", "show", addresses[0], "--json").stdout)
    assert page["poll_every_seconds"] == 600, "all are alike, so they take turns"
    assert "every 10 min; expected trade delay 5 min on average" in command("whales", "show", addresses[0]).stdout


def test_requests_of_the_last_minute_are_those_that_the_exchange_saw(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(seed=5, markets=60, wallets=2, history=30, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    command("sync", "markets")
    command("sync", "whales")
    requests = json.loads(command("status", "--json").stdout)["requests"]
    assert requests["last_minute"] == requests["last_hour"] == len(server.requests) > 4
    assert requests["limit_per_second"] == 500


def test_what_an_error_contains_is_harmless_on_a_terminal(well: CommandLine) -> None:
    log(well, "whales", "failed", 1, HOSTILE)
    shown = well("status").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]markup" in shown


@pytest.mark.parametrize("width", [60, 200])
@pytest.mark.parametrize("colour", [{}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
def test_it_fits_the_terminal(well: CommandLine, width: int, colour: dict[str, str]) -> None:
    shown = run_on_terminal(well, "status", width=width, **colour)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(map(len, plain.splitlines())) <= width
    assert ("\x1b[3" in shown) == (not colour)
    assert ("Last success" in plain) == (width > 60)
    assert "█" in plain


def test_a_pipe_gets_whole_lines_without_colour(well: CommandLine) -> None:
    log(well, "stats", "failed", 1, "x" * 300)
    shown = well("status").stdout
    assert "x" * 300 in shown
    assert "\x1b" not in shown


def test_a_terminal_that_has_no_blocks_gets_a_chart_of_ascii(well: CommandLine) -> None:
    shown = well("status", PYTHONIOENCODING="ascii").stdout
    assert "##" in shown
    assert well("status", TERM="dumb").stdout.count("#") == shown.count("#")


def test_watching_shows_the_top_of_the_screen_until_ctrl_c_and_needs_a_terminal(
    well: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press_ctrl_c(seconds: float) -> None:
        raise KeyboardInterrupt

    def show() -> None:
        write("\n".join(map(str, range(50))))

    with pytest.raises(UsageError, match="needs a terminal"):
        watch(show, 1.0)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda: terminal_size((80, 10)))
    monkeypatch.setattr("opinionscope.cli.output.watch.sleep", press_ctrl_c)
    watch(show, 1.0)
    shown = capsys.readouterr().out
    assert re.findall(r"(\d+)\x1b\[K", shown) == [str(number) for number in range(9)]
    assert shown.endswith("\x1b[?1049l")
    assert well("status", "--watch", "--json").returncode == 2
