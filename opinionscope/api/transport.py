"""HTTP connections whose requests take turns on the shared rate limit and never wait for ever for an answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from opinionscope.api.pacer import Pacer
from opinionscope.api.watchdog import Watchdog

ANSWER_SECONDS = 20.0
SECONDS_AFTER_DEADLINE = 5.0


class RequestGate:
    """What every request of a client passes: it waits for its turn to be sent, and its answer is watched.

    `deadline` (monotonic seconds) is the moment after which no request may start. A whole answer may take
    `answer_seconds`, but not much longer than the deadline.
    """

    def __init__(self, pacer: Pacer, deadline: float, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.pacer = pacer
        self.deadline = deadline
        self._answer_seconds = answer_seconds
        self._of_this_thread = threading.local()
        self._watchdog = Watchdog()

    @contextmanager
    def request(self, path: str) -> Iterator[None]:
        """Around one request for `path` and the reading of its answer."""
        self._of_this_thread.sent_at, self._of_this_thread.path = 0.0, path
        self._watchdog.begin()
        try:
            yield
        finally:
            self._watchdog.end()

    @contextmanager
    def sending(self, connection: HTTPConnection) -> Iterator[None]:
        """Hold the turn to send, and have the answer watched from then on."""
        with self.pacer.turn(self.deadline, self._of_this_thread.path) as self._of_this_thread.sent_at:
            yield
        if connection.sock is not None:
            due = min(self.sent_at + self._answer_seconds, self.deadline + SECONDS_AFTER_DEADLINE)
            self._watchdog.watch(connection.sock, due)

    @property
    def sent_at(self) -> float:
        """When this thread's request was sent, in monotonic seconds; 0 if it was not."""
        return float(self._of_this_thread.sent_at)

    @property
    def has_cut_off(self) -> bool:
        """Whether this thread's answer took too long and was cut off."""
        return self._watchdog.has_cut_off

    def close(self) -> None:
        """Stop watching."""
        self._watchdog.close()


class _PacedConnection(HTTPConnection):
    gate: ClassVar[RequestGate]

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        with self.gate.sending(self):
            super().request(*args, **kwargs)


class _PacedTlsConnection(_PacedConnection, HTTPSConnection):
    pass


class PacedAdapter(HTTPAdapter):
    """A transport for `requests` that sends every request, over http or https, through the gate."""

    def __init__(self, gate: RequestGate, connections: int) -> None:
        self._gate = gate
        super().__init__(pool_connections=1, pool_maxsize=connections, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools with paced connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._pool_of(HTTPConnectionPool, _PacedConnection),
            "https": self._pool_of(HTTPSConnectionPool, _PacedTlsConnection),
        }

    def _pool_of(self, pool: type, connection: type) -> type:
        paced = type(connection.__name__, (connection,), {"gate": self._gate})
        return type(pool.__name__, (pool,), {"ConnectionCls": paced})
