"""Faults below HTTP: no route to the exchange, or somebody else at its address."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange
from tests.conftest import CommandLine, Trading

WALLET = "0x" + "5e" * 20
TRUSTED_BY_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@contextmanager
def listener(context: ssl.SSLContext | None = None, answer: bytes = b"") -> Iterator[tuple[int, list[bytes]]]:
    """A server that takes what it is sent, answers and hangs up: its port, and what it was sent inside TLS."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return  # the test is over
                with suppress(OSError), connection:
                    connection.sendall(answer)
                    inside = context.wrap_socket(connection, server_side=True) if context else connection
                    received.append(inside.recv(65_536))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], received
        server.shutdown(socket.SHUT_RDWR)


def assert_told(command: CommandLine, url: str, said: str, **settings: str) -> None:
    """Both jobs fail in one line that says so, and log it; the wallet's row says it as well."""
    command("whales", "add", WALLET)
    command.settings |= {"OPINION_TRADE_BASE_URL": url, "OPINION_TRADE_API_KEY": "a-key-of-the-tests"}
    for job in ("markets", "whales"):
        result = command("sync", job, OPINIONSCOPE_BACKOFF="0.05", **settings)
        run = command.last_run(job)
        assert (result.returncode, run["status"], run["item_count"], run["request_count"]) == (1, "failed", 0, 0)
        assert result.stderr.count("\n") == 1
        assert said in result.stderr
        assert said in run["error"]
    assert command.query("SELECT last_error, last_synced_at FROM whales") == [(said, None)]


def test_a_refused_connection(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert_told(command, f"http://127.0.0.1:{port}", "no connection: refused")


def test_a_host_name_that_does_not_resolve(command: CommandLine) -> None:
    said = "no connection: the exchange's host name cannot be resolved"
    assert_told(command, "https://exchange.invalid/openapi", said)


def test_a_server_that_speaks_no_tls(command: CommandLine) -> None:
    with listener(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, received):
        assert_told(command, f"https://127.0.0.1:{port}", "no secure connection: the server doesn't speak TLS")
    assert not any(b"a-key-of-the-tests" in bytes_in for bytes_in in received)


@pytest.mark.parametrize("environment", [{}, dict.fromkeys(TRUSTED_BY_OTHERS, "the certificate itself")])
def test_a_certificate_that_nobody_vouches_for_gets_no_request_whatever_the_environment_trusts(
    command: CommandLine, certificate: Path, environment: dict[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusted = dict.fromkeys(environment, str(certificate))
    said = "no secure connection: the exchange's certificate cannot be verified"
    with listener(context) as (port, received):
        assert_told(command, f"https://127.0.0.1:{port}", said, **trusted)
    assert received == [], "not a byte went through"


def test_an_exchange_that_comes_back_is_read_as_if_nothing_had_been(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(seed=4, markets=5, wallets=1, history=9, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    server.stop()
    assert command("sync", "whales").returncode == 1
    server.start()
    assert command("sync", "whales", OPINIONSCOPE_RETENTION_DAYS="36500").returncode == 0
    assert command.query("SELECT count(*) FROM whale_activity") == [(9,)]
