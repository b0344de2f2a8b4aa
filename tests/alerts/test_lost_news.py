"""News that must not be lost, made up, or held up by somebody else."""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from opinionscope.alerts.outage_file import candidate_paths
from opinionscope.alerts.pings import Pinger
from opinionscope.notify import targets
from opinionscope.notify.message import Message
from opinionscope.notify.targets import SendingProcess, send
from tests.alerts.conftest import Jobs, broken, well
from tests.alerts.receiver import Receiver, receiving
from tests.alerts.test_alerts import break_database, run_each_minute
from tests.conftest import CommandLine

CANNOT, WORKS = "opinionscope: the database cannot be used", "opinionscope: the database works again"


def repair_database(jobs: Jobs) -> None:
    jobs.database.unlink()


def test_the_news_that_the_database_works_again_is_told_later_if_it_is_refused(
    alerted: Jobs, receiver: Receiver
) -> None:
    break_database(alerted)
    run_each_minute(alerted, broken, broken, broken)
    repair_database(alerted)
    receiver.status = 500
    run_each_minute(alerted, well, well)
    assert receiver.titles == [CANNOT, WORKS], "refused, and left alone for a while"
    receiver.status = 200
    run_each_minute(alerted, *[well] * 6)
    assert receiver.titles == [CANNOT, WORKS, WORKS]
    assert "an outage of 3 min" in receiver.received[-1].message
    assert not any(place.exists() for place in candidate_paths(alerted.database))


def test_a_failure_before_that_news_got_through_continues_the_outage(alerted: Jobs, receiver: Receiver) -> None:
    break_database(alerted)
    run_each_minute(alerted, broken, broken, broken)
    repair_database(alerted)
    receiver.status = 500
    run_each_minute(alerted, well)
    receiver.status = 200
    break_database(alerted)
    run_each_minute(alerted, *[broken] * 8)
    assert receiver.titles == [CANNOT, WORKS], "told of already"


def test_a_ping_that_was_never_sent_is_not_recorded_as_sent(command: CommandLine, receiver: Receiver) -> None:
    command.settings |= {"OPINIONSCOPE_PING_URL": receiver.url, "REQUESTS_CA_BUNDLE": "/nowhere/bundle.pem"}
    command.settings["OPINIONSCOPE_PING_URL"] = receiver.url.replace("http://", "https://")
    result = command("stats")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert command.query("SELECT last_sent_at, last_error FROM deliveries") == [(None, "not sent (OSError)")]
    (line,) = [line for line in command("status").stdout.splitlines() if line.startswith("pings")]
    assert "not sent (OSError)" in line
    assert receiver.received == []


def test_a_ping_is_sent_only_when_its_thread_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pinger, "_send_all", lambda self: None)
    pinger = Pinger("http://127.0.0.1:1", "whales")
    pinger.start()
    pinger.end(None)
    assert pinger.wait() == "not sent"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The file, locked by somebody else."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_another_user_in_the_temporary_folder_holds_nobody_up(
    alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    _, in_temporary, in_memory = candidate_paths(alerted.database)
    in_temporary.write_text("{}")
    os.chown(in_temporary, 54_321, 54_321)
    began = time.monotonic()
    with held(in_temporary):
        assert alerted.run(well) is None
        break_database(alerted)
        run_each_minute(alerted, broken, broken, broken)
    assert time.monotonic() - began < 10
    assert receiver.titles == [CANNOT]
    assert in_temporary.read_text() == "{}"
    in_memory.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["pipe", "second name"])
def test_what_is_not_a_file_of_its_own_is_not_written(
    alerted: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    beside, in_temporary, in_memory = candidate_paths(alerted.database)
    mine = tmp_path / "mine"
    mine.write_text("to be kept")
    for path in (beside, in_temporary):
        if kind == "pipe":
            os.mkfifo(path)
        else:
            os.link(mine, path)
    break_database(alerted)
    run_each_minute(alerted, broken, broken, broken)
    in_memory.unlink()
    assert receiver.titles == [CANNOT]
    assert mine.read_text() == "to be kept"


def test_targets_learn_how_bad_the_news_is(alerted: Jobs, receiver: Receiver) -> None:
    import json

    run_each_minute(alerted, broken, broken, broken, well)
    break_database(alerted)
    run_each_minute(alerted, broken, broken, broken)
    repair_database(alerted)
    run_each_minute(alerted, well)
    assert [json.loads(request.body)["type"] for request in receiver.received] == ["failure", "success"] * 2
    assert send([receiver.alert_url], Message("a", "b"))[0].accepted
    assert json.loads(receiver.received[-1].body)["type"] == "info"


@contextmanager
def dripping() -> Iterator[str]:
    """A target that accepts a message, and never comes to the end of saying so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.2)

        threading.Thread(target=serve, daemon=True).start()
        yield f"json://127.0.0.1:{server.getsockname()[1]}/"


def test_a_target_that_drips_has_not_been_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message("a", "b")
    with dripping() as url, receiving() as other, SendingProcess(time.monotonic() + 60) as process:
        first, second = process.begin(url, message), process.begin(other.alert_url, message)
        assert process.wait(second).accepted
        # All the time there was has passed.
        monkeypatch.setattr(targets, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 60))
        assert process.wait(first).problem == "did not answer in time"


def test_the_targets_of_a_message_share_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert targets.SECONDS < 10
    with dripping() as url, dripping() as other:
        deliveries = send([url, other], Message("a", "b"), seconds=0.1)
    assert [delivery.problem for delivery in deliveries] == ["did not answer in time"] * 2
