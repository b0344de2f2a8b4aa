"""A local HTTP server that takes alerts and pings, or refuses them, or hangs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    body: str
    authorization: str | None = None

    @property
    def title(self) -> str:
        """The title of an alert."""
        return str(json.loads(self.body)["title"])

    @property
    def message(self) -> str:
        """The text of an alert."""
        return str(json.loads(self.body)["message"])


@dataclass
class Receiver:
    """What arrived, and how the next one is answered: a status, or 0 to let it hang until the end."""

    port: int
    received: list[Received] = field(default_factory=list)
    status: int = 200
    ended: Event = field(default_factory=Event)

    @property
    def alert_url(self) -> str:
        """As an Apprise target."""
        return f"json://127.0.0.1:{self.port}/alerts"

    @property
    def url(self) -> str:
        """As a ping URL."""
        return f"http://127.0.0.1:{self.port}/ping"

    @property
    def titles(self) -> list[str]:
        """The titles of the alerts, in their order."""
        return [request.title for request in self.received]

    @property
    def signals(self) -> list[tuple[str, str]]:
        """Method and path of each request, in their order."""
        return [(request.method, request.path) for request in self.received]


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        request = Received(self.command, self.path, body, self.headers.get("Authorization"))
        self.receiver.received.append(request)
        if not self.receiver.status:
            self.receiver.ended.wait(600)
            return
        self.send_response(self.receiver.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _take

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    handler.receiver = receiver  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
