"""An answer belongs to the request that asked for it: when a connection is used again, and when it is not."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from opinionscope.api import transport
from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer, Turn
from opinionscope.errors import ApiUnavailable
from opinionscope.settings import Settings
from tests.isolation.misbehaving import raw

WALLET = "0x" + "5e" * 20
TRADE = {
    "txHash": "0x1",
    "marketId": 7,
    "side": "Buy",
    "price": "0.5",
    "shares": "10",
    "amount": "5",
    "createdAt": 1_769_000_000,
}


def page(path: str) -> bytes:
    """An answer that names the request's path as the transaction of its one trade."""
    trades = [TRADE | {"txHash": path.split("?", maxsplit=1)[0].rsplit("/", 1)[1]}]
    return raw(json.dumps({"errno": 0, "result": {"total": 1, "list": trades}}).encode()).body


def send_later(connection: socket.socket, path: str, seconds: float) -> None:
    """Answer again, unasked, if the client is still there."""

    def send() -> None:
        with suppress(OSError):
            connection.sendall(page(path))

    threading.Timer(seconds, send).start()


Answer = Callable[[socket.socket, str], None]


class Listener:
    """A server that hands each request's path to `answer`; `connections` counts what it has accepted."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._answer = answer
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            inside = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            received = b""
            while chunk := inside.recv(65_536):
                received += chunk
                if received.endswith(b"\r\n\r\n"):
                    self._answer(inside, received.split()[1].decode())
                    received = b""


@contextmanager
def client_of(
    listener: Listener, folder: Path, *, scheme: str = "http", rate: float = 500, pacer: type[Pacer] = Pacer
) -> Iterator[OpinionClient]:
    settings = Settings.model_validate(
        {
            "OPINION_TRADE_API_KEY": "a-key-of-the-tests",
            "OPINION_TRADE_BASE_URL": f"{scheme}://127.0.0.1:{listener.port}",
            "OPINIONSCOPE_RATE_LIMIT": rate,
            "OPINIONSCOPE_BACKOFF": 0.01,
        }
    )
    with OpinionClient(settings, pacer(folder / "pacer", rate), deadline=time.monotonic() + 20) as client:
        yield client
    listener.close()


def test_plain_answers_share_a_connection(tmp_path: Path) -> None:
    listener = Listener(lambda connection, path: connection.sendall(page(path)))
    with client_of(listener, tmp_path) as client:
        for name in ("a", "b", "c"):
            assert client.fetch_trades(name, 1).items[0].tx_hash == name
    assert listener.connections == 1


def test_a_connection_hung_up_for_one_thread_s_answer_is_no_other_thread_s(tmp_path: Path) -> None:
    listener = Listener(lambda connection, path: connection.sendall(page(path)))
    with client_of(listener, tmp_path) as client:
        other = threading.Thread(target=client.fetch_trades, args=("a", 1))
        other.start()
        other.join()
        assert client.fetch_trades("b", 1).items[0].tx_hash == "b"
    assert listener.connections == 2


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_comes_after_something_else_is_nobody_s(tmp_path: Path, head: bytes) -> None:
    def answer(connection: socket.socket, path: str) -> None:
        if "late" not in path:
            connection.sendall(page(path))
            return
        connection.sendall(head)
        # While the next request is on its way already.
        send_later(connection, path, 0.05)

    listener = Listener(answer)
    with client_of(listener, tmp_path) as client:
        with pytest.raises(Exception, match=r"HTTP|no JSON|redirect|not an answer"):
            client.fetch_trades("late", 1)
        for name in ("a", "b", "c"):
            assert client.fetch_trades(name, 1).items[0].tx_hash == name


def test_what_comes_while_a_request_waits_for_its_turn_is_nobody_s(tmp_path: Path) -> None:
    asked: list[tuple[socket.socket, str]] = []

    def answer(connection: socket.socket, path: str) -> None:
        asked.append((connection, path))
        connection.sendall(page(path))

    class AnsweringWhileOneWaits(Pacer):
        """Has the request before answered once more by the time the next one may leave."""

        @contextmanager
        def turn(self, *waiting: Any) -> Iterator[Turn]:
            with super().turn(*waiting) as turn:
                for connection, path in asked[-1:]:
                    with suppress(OSError):
                        connection.sendall(page(path))
                yield turn

    listener = Listener(answer)
    with client_of(listener, tmp_path, pacer=AnsweringWhileOneWaits) as client:
        for name in ("a", "b", "c"):
            assert client.fetch_trades(name, 1).items[0].tx_hash == name
    assert listener.connections == 3


def test_a_server_that_talks_before_it_is_asked_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talked, connect = threading.Semaphore(1), transport._PacedConnection.connect

    class Talking(Listener):
        def _serve(self, connection: socket.socket) -> None:
            if self.connections > 1:
                connection.sendall(page("/early"))
                talked.release()
            super()._serve(connection)

    def connect_and_let_it_talk(connection: transport._PacedConnection) -> None:
        connect(connection)
        assert talked.acquire(timeout=20)

    def answer(connection: socket.socket, path: str) -> None:
        connection.sendall(page(path))
        connection.shutdown(socket.SHUT_RDWR)

    monkeypatch.setattr(transport._PacedConnection, "connect", connect_and_let_it_talk)
    with client_of(Talking(answer), tmp_path) as client:
        assert client.fetch_trades("a", 1).items[0].tx_hash == "a"
        with pytest.raises(ApiUnavailable, match="the connection broke"):
            client.fetch_trades("b", 1)


@pytest.mark.parametrize(
    "sent",
    [
        lambda whole: whole[:9],
        lambda whole: whole[:30],
        lambda whole: whole[: whole.index(b"\r\n\r\n")],
        lambda whole: whole[:-10],
        lambda _whole: b"",
    ],
)
def test_an_answer_that_is_cut_off_is_asked_for_again(tmp_path: Path, sent: Callable[[bytes], bytes]) -> None:
    asked: list[str] = []

    def answer(connection: socket.socket, path: str) -> None:
        asked.append(path)
        if len(asked) > 1:
            connection.sendall(page(path))
        else:
            connection.sendall(sent(page(path)))
            connection.shutdown(socket.SHUT_RDWR)

    with client_of(Listener(answer), tmp_path) as client:
        assert client.fetch_trades(WALLET, 1).items[0].tx_hash == WALLET
    assert len(asked) == 2


def test_answers_over_tls_share_a_connection_session_tickets_and_all(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    listener = Listener(lambda connection, path: connection.sendall(page(path)), context)
    with client_of(listener, tmp_path, scheme="https", rate=4) as client:
        for name in ("a", "b", "c", "d"):
            assert client.fetch_trades(name, 1).items[0].tx_hash == name
    assert listener.connections == 1


def test_trusted_certificates_that_are_missing_are_told_in_our_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", "/nonexistent/certificates.pem")
    listener = Listener(lambda connection, path: connection.sendall(page(path)))
    with (
        client_of(listener, tmp_path, scheme="https") as client,
        pytest.raises(ApiUnavailable, match="the file of trusted certificates is missing"),
    ):
        client.fetch_trades(WALLET, 1)


def test_the_date_of_a_single_answer_does_not_turn_back_the_clock_for_the_others(tmp_path: Path) -> None:
    sent = iter([b"Thu, 01 Jan 1970 00:00:00 GMT", b"", b"Fri, 31 Dec 9999 23:59:59 GMT", b""])

    def answer(connection: socket.socket, path: str) -> None:
        date = next(sent) or formatdate(time.time() - 5, usegmt=True).encode()
        connection.sendall(page(path).replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nDate: " + date))

    with client_of(Listener(answer), tmp_path) as client:
        for name in ("a", "b", "c", "d"):
            assert client.fetch_trades(name, 1).length == 1
        assert client.clock_skew == pytest.approx(5, abs=2)
