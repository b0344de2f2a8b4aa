"""The wire: reads requests from a socket and delivers answers, well or badly."""

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import StreamRequestHandler, TCPServer
from threading import Event, Lock
from typing import Any, Protocol

from opinionscope.simulator.response import Response, Transmission

LONGEST_LINE = 65_536
LONGEST_BODY = 1_000_000
HUGE_BODY_BYTES = 200_000_000
DRIP_SECONDS = 1.0
_RESET_ON_CLOSE = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger: on, 0 seconds


@dataclass(slots=True)
class Incoming:
    """A request as read; `arrival` is whatever `Front.arrive` made of its first line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    arrival: Any

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


class Front(Protocol):
    """What stands behind the wire."""

    def arrive(self, method: str, target: str) -> Any:
        """Note a request as soon as its first line is there."""

    def answer(self, incoming: Incoming) -> Response:
        """Answer a request that has been read."""

    def now(self) -> float:
        """Unix seconds, for the Date header."""


class ListeningSocket(ThreadingHTTPServer):
    """Accepts connections, a daemon thread each, and can drop them all at once."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], front: Front) -> None:
        self.front = front
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(address, Connection)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks the name service for the host's full name

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client may leave when it likes
            super().handle_error(request, client_address)

    def drop_connections(self) -> None:
        """End every open connection, and with it every thread that waits on one."""
        self.stopping.set()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # its client was faster


class Connection(StreamRequestHandler):
    """One client's connection, kept alive over many requests."""

    server: ListeningSocket
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while not self.server.stopping.is_set():
            incoming = self._read()
            if incoming is None:
                return
            answer = self.server.front.answer(incoming)
            if not self._deliver(answer, self._head(answer)) or not incoming.keeps_alive:
                return

    def _read(self) -> Incoming | None:
        """The next request; None at the end of the connection or of the client's good manners."""
        words = self.rfile.readline(LONGEST_LINE).decode("latin-1").split()
        if len(words) != 3:
            return None
        arrival = self.server.front.arrive(words[0], words[1])
        headers = self._read_headers()
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            return None
        return Incoming(words[0], words[1], headers, self.rfile.read(int(length)), arrival)

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self.rfile.readline(LONGEST_LINE).decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _head(self, answer: Response) -> bytes:
        length = "Transfer-Encoding: chunked"
        if answer.delivery is not Transmission.HUGE_BODY:
            length = f"Content-Length: {len(answer.body)}"
        lines = [
            f"HTTP/1.1 {answer.status or 200} {HTTPStatus(answer.status or 200).phrase}",
            f"Date: {formatdate(self.server.front.now(), usegmt=True)}",
            f"Content-Type: {answer.content_type}",
            length,
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def _deliver(self, answer: Response, head: bytes) -> bool:
        """Send an answer; whether the connection can serve another request."""
        return _DELIVERIES[answer.delivery](self, head, answer.body)

    def _whole(self, head: bytes, body: bytes) -> bool:
        self.wfile.write(head + body)  # in one write: a small answer leaves in a single packet
        return True

    def _hang(self, _head: bytes, _body: bytes) -> bool:
        while self.connection.recv(LONGEST_LINE):  # ends when the client leaves or the server stops
            continue
        return False

    def _drip(self, head: bytes, body: bytes) -> bool:
        for byte in head + body:
            self.wfile.write(bytes((byte,)))
            if self.server.stopping.wait(DRIP_SECONDS):
                return False
        return True

    def _reset_before_answer(self, _head: bytes, _body: bytes) -> bool:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        socket.close(self.connection.detach())  # at once: a polite shutdown would send an end, not a reset
        return False

    def _reset_in_body(self, head: bytes, body: bytes) -> bool:
        self.wfile.write(head + body[: len(body) // 2])
        return self._reset_before_answer(head, body)

    def _huge_body(self, head: bytes, _body: bytes) -> bool:
        self.wfile.write(head + _chunk(b'{"errno":0,"errmsg":"'))
        megabyte = _chunk(b"x" * 1_000_000)
        for _ in range(HUGE_BODY_BYTES // 1_000_000):
            self.wfile.write(megabyte)
        self.wfile.write(_chunk(b'","result":{"list":null,"total":0}}') + _chunk(b""))
        return True


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


_DELIVERIES: dict[Transmission, Callable[[Connection, bytes, bytes], bool]] = {
    Transmission.WHOLE: Connection._whole,
    Transmission.HANG: Connection._hang,
    Transmission.DRIP: Connection._drip,
    Transmission.RESET_BEFORE_ANSWER: Connection._reset_before_answer,
    Transmission.RESET_IN_BODY: Connection._reset_in_body,
    Transmission.HUGE_BODY: Connection._huge_body,
}
