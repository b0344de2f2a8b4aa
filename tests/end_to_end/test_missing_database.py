"""A database that went away is not a first start: its disk may not be mounted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import CommandLine, Trading
from tests.emulated import SMALL_DEMO, machine

JOBS = (["sync", "markets"], ["sync", "whales"], ["sync", "positions"], ["stats"], ["cleanup"], ["cleanup", "--if-due"])
WALLET = "0x" + "ab" * 20


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def synced(command: CommandLine, trading: Trading) -> CommandLine:
    """Each job has completed once."""
    exchange = Exchange(seed=5, markets=5, wallets=1, history=5, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command("whales", "add", *exchange.wallets)
    for words in JOBS:
        assert command(*words).returncode == 0
    return command


def unmount(database: Path, *, with_its_folder: bool) -> Path:
    """Take the disk of the database away; where it is now."""
    away = database.parent.with_name("away")
    database.parent.rename(away)
    if not with_its_folder:
        database.parent.mkdir()
    return away


@pytest.mark.parametrize("with_its_folder", [False, True])
def test_no_job_replaces_a_database_that_is_missing(
    synced: CommandLine, receiver: Receiver, with_its_folder: bool
) -> None:
    synced.settings |= {"OPINIONSCOPE_ALERT_URLS": receiver.alert_url, "OPINIONSCOPE_PING_URL": receiver.url}
    folder = synced.database.parent
    away = unmount(synced.database, with_its_folder=with_its_folder)
    for words in JOBS:
        result = synced(*words)
        assert result.returncode == 78, words
        assert "is missing, although it has been used before: mount its disk" in result.stderr
    assert not folder.exists() or list(folder.iterdir()) == []
    pings = {path for method, path in receiver.signals if path.startswith("/ping")}
    alerts = [path for method, path in receiver.signals if path == "/alerts"]
    assert pings == {"/ping/fail"}
    assert len(alerts) == 1, "at once, and once"

    if folder.exists():
        folder.rmdir()
    away.rename(folder)
    for words in JOBS:
        assert synced(*words).returncode == 0
    alerts = [path for method, path in receiver.signals if path == "/alerts"]
    assert len(alerts) == 2, "and the recovery"
    assert synced("status").returncode == 0


@pytest.mark.parametrize("words", [["status"], ["logs"], ["whales", "list"], ["whales", "add", WALLET]])
def test_every_command_says_that_the_database_is_missing(synced: CommandLine, words: list[str]) -> None:
    unmount(synced.database, with_its_folder=False)
    result = synced(*words)
    assert (result.returncode, result.stdout) == (78, "")
    assert "is missing, although it has been used before" in result.stderr
    assert list(synced.database.parent.iterdir()) == []


def test_a_link_to_a_database_that_is_missing_is_not_followed_to_a_new_one(synced: CommandLine, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(synced.database)
    away = unmount(synced.database, with_its_folder=False)
    assert synced("stats", "--db", str(link)).returncode == 78
    assert "is missing" in synced("check", "--db", str(link)).stdout
    assert list(synced.database.parent.iterdir()) == []
    assert away.exists()


def test_a_new_database_can_be_started_as_the_message_says(synced: CommandLine) -> None:
    unmount(synced.database, with_its_folder=False)
    message = synced("stats").stderr
    listed = Path(message.split("delete its line from ")[1].strip().removesuffix("."))
    listed.write_text("".join(line for line in listed.read_text().splitlines(True) if "opinionscope.db" not in line))
    assert synced("stats").returncode == 0
    assert synced.query("SELECT count(*) FROM whales") == [(0,)]


@pytest.mark.parametrize("words", JOBS)
def test_a_job_makes_no_folder_but_the_default_one(command: CommandLine, tmp_path: Path, words: list[str]) -> None:
    nowhere = tmp_path / "disk" / "data" / "o.db"
    for result in (command(*words, "--db", str(nowhere)), command(*words, OPINIONSCOPE_DB=str(nowhere))):
        assert result.returncode == 78
        assert "is missing, and so is its folder" in result.stderr
    assert not (tmp_path / "disk").exists()


def test_the_first_start_needs_nothing(command: CommandLine, trading: Trading) -> None:
    trading(Exchange(seed=5, markets=5, wallets=1, history=5))
    default = command.home / ".local" / "share" / "opinionscope" / "opinionscope.db"
    named = command.home / "named.db"
    set_in_environment = command.home / "set.db"
    assert command("sync", "markets", OPINIONSCOPE_DB="").returncode == 0
    assert command("sync", "markets", "--db", "named.db", OPINIONSCOPE_DB="").returncode == 0
    assert command("sync", "markets", OPINIONSCOPE_DB=str(set_in_environment)).returncode == 0
    for database in (default, named, set_in_environment):
        command.database = database
        assert command.last_run("markets")["status"] == "completed"


def test_the_first_start_as_the_crontab_lines_name_the_default_database(command: CommandLine) -> None:
    default = command.home / ".local" / "share" / "opinionscope" / "opinionscope.db"
    assert command("stats", "--db", str(default), OPINIONSCOPE_DB="").returncode == 0
    assert default.parent.stat().st_mode & 0o777 == 0o700
    assert command("whales", "add", WALLET, "--db", str(command.home / "new" / "o.db")).returncode == 0


def test_a_demonstration_leaves_no_trace_of_its_database(command: CommandLine, tmp_path: Path) -> None:
    small = machine(tmp_path / "machine", SMALL_DEMO)
    assert command("demo", "--db", "demo.db", OPINIONSCOPE_DB="", **small).returncode == 0
    assert (command.home / "demo.db").exists()
    assert not (command.home / ".local").exists()
