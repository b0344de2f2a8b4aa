"""HTTP connections that wait for their turn to send and that do not wait for ever for an answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from opinionscope.api.pacer import Pacer

ANSWER_SECONDS = 20.0
SECONDS_AFTER_DEADLINE = 5.0


class Line:
    """What the connections of one client share: the pacer, the run's deadline, and the watch over slow answers.

    A socket time-out starts anew with each byte, so an exchange that drips would hold a connection for hours. The
    watch shuts the socket of a request whose whole answer has not come within `answer_seconds`, or a little after
    the deadline.
    """

    def __init__(self, pacer: Pacer, deadline: float, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.pacer = pacer
        self.deadline = deadline
        self._answer_seconds = answer_seconds
        self._mine = threading.local()
        self._guard = threading.Lock()
        self._pending: dict[int, tuple[socket.socket, float]] = {}
        self._cut_off: set[int] = set()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around one request and the reading of its answer."""
        self._mine.sent_at = 0.0
        with self._guard:
            self._cut_off.discard(threading.get_ident())
        try:
            yield
        finally:
            with self._guard:
                self._pending.pop(threading.get_ident(), None)

    @property
    def sent_at(self) -> float:
        """When this thread's request left, in monotonic seconds; 0 if it has not."""
        return float(self._mine.sent_at)

    @property
    def cut_off(self) -> bool:
        """Whether the answer to this thread's request took too long and was cut off."""
        return threading.get_ident() in self._cut_off

    @contextmanager
    def sending(self, connection: HTTPConnection) -> Iterator[None]:
        """Hold the turn to send, and have the answer watched from then on."""
        with self.pacer.turn(self.deadline) as self._mine.sent_at:
            yield
        if connection.sock is not None:
            due = min(self.sent_at + self._answer_seconds, self.deadline + SECONDS_AFTER_DEADLINE)
            with self._guard:
                self._pending[threading.get_ident()] = (connection.sock, due)
                self._start_watch()

    def close(self) -> None:
        """End the watch."""
        self._closed.set()

    def _start_watch(self) -> None:
        if self._watch is None:
            self._watch = threading.Thread(target=self._cut_off_slow_answers, name="answer-watch", daemon=True)
            self._watch.start()

    def _cut_off_slow_answers(self) -> None:
        while not self._closed.wait(0.5):
            now = time.monotonic()
            # No request ends meanwhile: what is cut off is the one that is late, and never the thread's next one.
            with self._guard:
                late = [thread for thread, (_, due) in self._pending.items() if now > due]
                self._cut_off.update(late)
                for thread in late:
                    _shut(self._pending.pop(thread)[0])


def _shut(sock: socket.socket) -> None:
    try:
        # On the plain socket below TLS: the thread that reads wakes up and finds the connection at its end.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        sock.close()


class _PacedConnection(HTTPConnection):
    line: ClassVar[Line]

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        with self.line.sending(self):
            super().request(*args, **kwargs)


class _PacedTlsConnection(_PacedConnection, HTTPSConnection):
    pass


class PacedAdapter(HTTPAdapter):
    """A transport whose every request, over http or https, takes its turn on the line."""

    def __init__(self, line: Line, connections: int) -> None:
        self._line = line
        super().__init__(pool_connections=1, pool_maxsize=connections, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools with paced connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._pool_of(HTTPConnectionPool, _PacedConnection),
            "https": self._pool_of(HTTPSConnectionPool, _PacedTlsConnection),
        }

    def _pool_of(self, pool: type, connection: type) -> type:
        paced = type(connection.__name__, (connection,), {"line": self._line})
        return type(pool.__name__, (pool,), {"ConnectionCls": paced})
