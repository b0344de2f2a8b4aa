"""HTTP connections whose requests take turns on the shared rate limit and never wait for ever for an answer."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse, IncompleteRead
from ssl import SSLWantReadError
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool

from opinionscope.api.key_ring import KeyRing
from opinionscope.api.pacer import Pacer, Turn
from opinionscope.api.watchdog import Watchdog

ANSWER_SECONDS = 20.0
_CONNECTIONS_A_REQUEST = 3
SECONDS_AFTER_DEADLINE = 5.0
_SAFE_IN_PATHS = "/%:!$&'()*+,;=~"
_NO_TURN = Turn(0.0, 0)


def address_of(base: str, path: str, parameters: Mapping[str, Any]) -> str:
    """The URL of a request. `base` is one that `requests` has prepared."""
    address = base.rstrip("/") + quote(path, safe=_SAFE_IN_PATHS)
    return f"{address}?{urlencode(parameters)}" if parameters else address


class RequestGate:
    """What every request of a client passes: it waits for its turn to be sent, and its answer is watched.

    `deadline` (monotonic seconds) is the moment after which no request may start. A whole answer may take
    `answer_seconds`, but not much longer than the deadline.
    """

    def __init__(self, pacer: Pacer, keys: KeyRing, deadline: float, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.pacer = pacer
        self._keys = keys
        self.deadline = deadline
        self._answer_seconds = answer_seconds
        self._of_this_thread = threading.local()
        self._watchdog = Watchdog()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around one request and the reading of its answer."""
        self._of_this_thread.turn = _NO_TURN
        self._of_this_thread.connection = None
        self._watchdog.begin()
        try:
            yield
        finally:
            self._watchdog.end()

    @contextmanager
    def sending(self, connection: HTTPConnection) -> Iterator[str]:
        """Hold the turn to send with a key, which it yields, and have the answer watched from then on."""
        self._of_this_thread.connection = connection
        with self.pacer.turn(self.deadline, lambda: self._keys.usable) as turn:
            self._of_this_thread.turn = turn
            yield self._keys.texts[turn.key]
        if connection.sock is not None:
            due = min(self.sent_at + self._answer_seconds, self.deadline + SECONDS_AFTER_DEADLINE)
            self._watchdog.watch(connection.sock, due)

    @property
    def sent_at(self) -> float:
        """When this thread's request was sent, in monotonic seconds; 0 if it was not."""
        return self._turn.sent_at

    @property
    def key(self) -> int:
        """The position of the key that this thread's request was sent with."""
        return self._turn.key

    @property
    def _turn(self) -> Turn:
        turn: Turn = self._of_this_thread.turn
        return turn

    @property
    def has_cut_off(self) -> bool:
        """Whether this thread's answer took too long and was cut off."""
        return self._watchdog.has_cut_off

    def hang_up(self) -> None:
        """Close the connection of this thread's last request: nobody knows what else may come on it."""
        if self._of_this_thread.connection is not None:
            self._of_this_thread.connection.close()

    def close(self) -> None:
        """Stop watching."""
        self._watchdog.close()


class _Answer(HTTPResponse):
    """An answer after which the connection is kept only if nothing can follow: if it is a 200 with content.

    After an interim answer (103), a 204 or an empty 200 the real one may still be on its way, and would be taken for
    the answer to the next request.
    """

    def begin(self) -> None:
        super().begin()
        self.will_close = self.will_close or self.status != 200 or self.length == 0

    def _safe_read(self, amt: int) -> bytes:
        # urllib3 asks for as many bytes as the size of a chunk says, and a negative one would mean all that ever comes.
        if amt < 0:
            raise IncompleteRead(b"")
        return super()._safe_read(amt)  # type: ignore[misc,no-any-return]


class _PacedConnection(HTTPConnection):
    gate: ClassVar[RequestGate]
    response_class = _Answer

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        for _ in range(_CONNECTIONS_A_REQUEST):
            if self.sock is None:
                self.connect()
            with self.gate.sending(self) as key:
                # Now, after the wait for the turn: what came in the meantime belongs to no request.
                if self.sock is not None and self._is_quiet():
                    super().request(method, url, body, {**(headers or {}), "apikey": key}, **kwargs)
                    return
            self.close()
        raise ConnectionError("the server talks before it is asked")

    def _is_quiet(self) -> bool:
        """Whether nothing waits to be read, neither content nor the end of the connection.

        A read rather than a look at the socket: on a TLS connection what waits may be mere session tickets.
        """
        timeout = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, SSLWantReadError):
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(timeout)
        return False


class _PacedTlsConnection(_PacedConnection, HTTPSConnection):
    pass


class PacedAdapter(HTTPAdapter):
    """A transport for `requests` that sends every request, over http or https, through the gate.

    It has one connection and is one thread's own: a connection is free again as soon as its answer is read, and if it
    must be hung up because of that answer, it could be in the middle of somebody else's request by then.
    """

    def __init__(self, gate: RequestGate) -> None:
        self._gate = gate
        self._pool: ConnectionPool | None = None
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools with paced connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._pool_of(HTTPConnectionPool, _PacedConnection),
            "https": self._pool_of(HTTPSConnectionPool, _PacedTlsConnection),
        }

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        """The pool of the one host that is spoken to, which takes long to look up."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: Mapping[str, str] | None) -> str:  # noqa: ARG002
        """What stands in the request: without the host, since there is never a proxy."""
        return request.path_url

    def _pool_of(self, pool: type, connection: type) -> type:
        paced = type(connection.__name__, (connection,), {"gate": self._gate})
        return type(pool.__name__, (pool,), {"ConnectionCls": paced})


class Transports:
    """The adapter of each thread that asks for one."""

    def __init__(self, gate: RequestGate) -> None:
        self._gate = gate
        self._of_this_thread = threading.local()
        self._all = list[PacedAdapter]()

    def of_this_thread(self) -> PacedAdapter:
        """Made at the thread's first request."""
        adapter: PacedAdapter | None = getattr(self._of_this_thread, "adapter", None)
        if adapter is None:
            adapter = self._of_this_thread.adapter = PacedAdapter(self._gate)
            self._all.append(adapter)
        return adapter

    def close(self) -> None:
        """Close the connections of all threads on which no answer is awaited."""
        for adapter in self._all:
            adapter.close()
