"""An exchange that answers some requests byte for byte as a test wants it, and all others well."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from opinionscope.simulator import ExchangeServer
from opinionscope.simulator.response import Response, Transmission
from opinionscope.simulator.wire import Incoming

Bend = Callable[[Response], Response]
"""What becomes of an honest answer."""

JSON = (b"Content-Type", b"application/json")


class MisbehavingServer(ExchangeServer):
    """`bent` tells what becomes of the answers to requests whose path and query contain a text."""

    bent: Mapping[str, Bend] = {}

    def answer(self, incoming: Incoming) -> Response:
        honest = super().answer(incoming)
        for part, bend in self.bent.items():
            if part in incoming.target:
                return bend(honest)
        return honest


def raw(
    body: bytes,
    *headers: tuple[bytes, bytes],
    status: bytes = b"200 OK",
    length: int | None = -1,
    late: bytes = b"",
    closes: bool = False,
) -> Response:
    """An answer of these bytes. `length` is the Content-Length: the true one if -1, none at all if None."""
    framing = [] if length is None else [(b"Content-Length", b"%d" % (len(body) if length == -1 else length))]
    lines = [b"HTTP/1.1 " + status, *(name + b": " + value for name, value in (*framing, *headers))]
    return wire(b"\r\n".join(lines) + b"\r\n\r\n" + body, late=late, closes=closes)


def wire(content: bytes, *, late: bytes = b"", closes: bool = False) -> Response:
    """These bytes and no others."""
    return Response(200, content, delivery=Transmission.RAW, late=late, closes=closes)


def with_header(name: bytes, value: bytes) -> Bend:
    """The honest answer with one more header."""
    return lambda honest: raw(honest.body, JSON, (name, value))


def with_body(change: Callable[[bytes], bytes]) -> Bend:
    """The honest answer with another body."""
    return lambda honest: replace(honest, body=change(honest.body))


def whole(honest: Response) -> bytes:
    """The honest answer as it goes over the wire."""
    return raw(honest.body, JSON).body


def always(answer: Response) -> Bend:
    """The same answer to everything."""
    return lambda _honest: answer
