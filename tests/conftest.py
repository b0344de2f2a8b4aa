"""What tests share: the real command as cron would start it, and a simulated exchange for it to talk to."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opinionscope.job_table import JOBS
from opinionscope.simulator import Exchange, ExchangeServer
from tests import fresh_schema
from tests.forked_run import can_be_forked, run_forked, start_forked
from tests.rounds import ROUNDS

JOB = {job.name: job for job in JOBS}
COMMAND = (sys.executable, "-m", "opinionscope")

# A shell that starts the tests in the background has them, and so all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
fresh_schema.install()

MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def pytest_configure() -> None:
    """Put temporary folders into memory if it has room: a disk makes each of thousands of commits wait.

    What is killed in these tests is a process, and never the machine, so that nothing depends on the disk.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@dataclass
class CommandLine:
    """The `opinionscope` command with cron's bare environment, a database of its own, and what a test adds."""

    home: Path
    database: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        bare = {"HOME": str(self.home), "LOGNAME": "nobody", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
        return bare | {"OPINIONSCOPE_DB": str(self.database)} | self.settings

    def __call__(self, *words: str, stdin: str | None = None, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end: by a fork of an interpreter, unless a setting is one that start-up itself reads."""
        environment = self.environment | settings
        if not ROUNDS and can_be_forked(self.settings | settings):
            return run_forked(words, environment, self.home, stdin, timeout=90)
        return subprocess.run(
            [*COMMAND, *words],
            env=environment,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def start(self, *words: str, **settings: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running: a fork as well, which can be interrupted in its work only."""
        if ROUNDS or not can_be_forked(self.settings | settings):
            return self.start_python(*words, **settings)
        streams = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
        return start_forked(words, self.environment | settings, self.home, streams)

    def start_python(self, *words: str, **settings: str) -> "subprocess.Popen[str]":
        """Start an interpreter that runs a command, which can be interrupted from its very start."""
        return subprocess.Popen(
            [*COMMAND, *words],
            env=self.environment | settings,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Look into the database from outside."""
        with sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True) as connection:
            rows = connection.execute(sql, parameters).fetchall()
        connection.close()
        return rows

    def last_run(self, job: str) -> dict[str, Any]:
        """The newest row of a job in the sync log."""
        columns = ("status", "item_count", "failed_count", "request_count", "throttled_count", "ended_at", "error")
        rows = self.query(f"SELECT {', '.join(columns)} FROM sync_logs WHERE type = ? ORDER BY id DESC LIMIT 1", (job,))
        return dict(zip(columns, rows[0], strict=True))


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """A command line with an empty HOME and no settings but the place of its database."""
    home = tmp_path / "home"
    data = tmp_path / "data"
    home.mkdir()
    data.mkdir(mode=0o700)
    return CommandLine(home, data / "opinionscope.db")


Trading = Callable[..., ExchangeServer]


@pytest.fixture
def trading(command: CommandLine) -> Iterator[Trading]:
    """Start an exchange that `command` talks to: `trading(exchange, rate_limit=None, …)`. It ends with the test.

    `kind` is the class of its server.
    """
    servers: list[ExchangeServer] = []

    def start(exchange: Exchange, kind: type[ExchangeServer] = ExchangeServer, **options: Any) -> ExchangeServer:
        server = kind(exchange, **{"rate_limit": None, **options})
        server.start()
        servers.append(server)
        command.settings |= {
            "OPINION_TRADE_BASE_URL": server.url,
            "OPINION_TRADE_API_KEY": "a-key-of-the-tests",
            "OPINIONSCOPE_RATE_LIMIT": "500",
            "OPINIONSCOPE_BACKOFF": "0.05",
        }
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests reach code that is called within the test process."""
    for name in list(os.environ):
        if name.startswith(("OPINION", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path / "self-signed.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
        f"-keyout {path} -out {tmp_path / 'certificate.pem'}".split(),
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path
