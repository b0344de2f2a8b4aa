"""Pings for a dead-man's switch: start, success or failure with the reason, and never a burden on the run."""

from datetime import timedelta

import pytest

from opinionscope.alerts import pings
from opinionscope.alerts.pings import Pinger, ping_address
from opinionscope.errors import OpinionscopeError
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run, RunFailed
from opinionscope.locks import beside, try_lock
from opinionscope.store.database import Store
from opinionscope.store.deliveries import find_delivery
from tests.alerts.conftest import START, Jobs, broken, partial, well
from tests.alerts.receiver import Receiver
from tests.conftest import CommandLine


def ping_problem(jobs: Jobs) -> str | None:
    with Store.open(jobs.database) as store:
        return find_delivery(store, "ping").last_error


def test_a_run_that_completes_says_start_and_success(pinged: Jobs, receiver: Receiver) -> None:
    assert pinged.run(well) is None
    assert receiver.signals == [("GET", "/ping/start"), ("GET", "/ping")]
    with Store.open(pinged.database) as store:
        assert find_delivery(store, "ping").last_sent_at == START + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(broken, "no connection: refused"), (partial, "whales partial: one wallet: no answer in time")],
)
def test_a_run_that_fails_or_is_partial_says_why(pinged: Jobs, receiver: Receiver, ending: object, reason: str) -> None:
    pinged.run(ending)  # type: ignore[arg-type]
    assert receiver.signals == [("GET", "/ping/start"), ("POST", "/ping/fail")]
    assert receiver.received[1].body == reason


def test_the_reason_is_bounded_and_without_the_key(
    pinged: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPINION_TRADE_API_KEY", "s3cret-key")

    def long(_: Run) -> JobResult:
        raise OpinionscopeError("s3cret-key " * 10_000)

    pinged.run(long)
    assert len(receiver.received[1].body) == 1_000
    assert "s3cret-key" not in receiver.received[1].body


def test_a_skipped_run_says_nothing(pinged: Jobs, receiver: Receiver) -> None:
    with try_lock(beside(pinged.database, "whales.lock")):
        assert pinged.run(well) is None
    assert receiver.signals == []


def test_each_job_has_its_own_address_if_the_url_says_so(
    pinged: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPINIONSCOPE_PING_URL", f"{receiver.url}/opinion-{{job}}?create=1")
    pinged.run(well, "stats")
    assert [path for _, path in receiver.signals] == [
        "/ping/opinion-stats/start?create=1",
        "/ping/opinion-stats?create=1",
    ]


def test_a_login_in_the_url_is_used_and_not_shown(
    pinged: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 403
    monkeypatch.setenv("OPINIONSCOPE_PING_URL", receiver.url.replace("://", "://anna:pass@"))
    assert pinged.run(well) is None
    assert receiver.received[0].authorization == "Basic YW5uYTpwYXNz"
    assert ping_problem(pinged) == "answered with HTTP 403"


def test_a_database_that_fails_is_reported(pinged: Jobs, receiver: Receiver) -> None:
    pinged.database.write_bytes(b"this is no database" * 1000)
    pinged.run(well)
    assert receiver.signals == [("POST", "/ping/fail")]
    assert "is not a SQLite database" in receiver.received[0].body


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ping", "ftp://127.0.0.1/ping", "nonsense"])
def test_a_ping_that_cannot_be_sent_is_only_noted(pinged: Jobs, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPINIONSCOPE_PING_URL", url)
    assert pinged.run(well) is None
    assert (ping_problem(pinged) or "").startswith("not sent")
    assert isinstance(pinged.run(partial), RunFailed)


def test_a_switch_that_hangs_holds_no_run_up_for_more_than_ten_seconds(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pings.SECONDS <= 10
    monkeypatch.setattr(pings, "SECONDS", 0.2)
    monkeypatch.setattr(pings, "_READ_SECONDS", 60)
    receiver.status = 0
    pinger = Pinger(receiver.url, "whales")
    pinger.start()
    pinger.end(None)
    assert pinger.wait() == "no answer in time"
    assert pinger._thread.is_alive(), "the run waited neither for its start to be noted nor for its end"


def test_the_real_command_pings_silently(command: CommandLine, receiver: Receiver) -> None:
    result = command("stats", OPINIONSCOPE_PING_URL=receiver.url)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [path for _, path in receiver.signals] == ["/ping/start", "/ping"]


def test_addresses_keep_their_query() -> None:
    assert ping_address("https://hc/x/?a=1", "whales", "fail") == "https://hc/x/fail?a=1"
    assert ping_address("https://hc/x/", "whales") == "https://hc/x/"


def test_a_list_of_certificates_that_is_not_there_is_told_in_the_state_and_by_no_traceback(
    command: CommandLine, receiver: Receiver
) -> None:
    command.settings |= {
        "OPINIONSCOPE_PING_URL": receiver.url.replace("http:", "https:"),
        "REQUESTS_CA_BUNDLE": "/nonexistent/certificates.pem",
    }
    result = command("stats")
    assert "Traceback" not in result.stderr
    assert command.query("SELECT last_error FROM deliveries WHERE last_sent_at IS NULL") == [("not sent (OSError)",)]
    assert "not sent (OSError)" in command("status").stdout
