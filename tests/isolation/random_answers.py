"""Whole answers, spoiled at random: status, headers, framing, encoding, body. The same for the same seed."""

import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from opinionscope.simulator.response import Response
from tests.isolation.misbehaving import wire
from tests.isolation.odd_values import HEADER_NAMES, HEADER_VALUES, JSON_VALUES, STATUS_LINES, STATUSES


@dataclass
class Draft:
    """An answer that is still whole; `spoil` functions change it in place."""

    body: bytes
    status: bytes = b"HTTP/1.1 200 OK"
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"Content-Type", b"application/json")])
    before: bytes = b""
    chunked: bool = False
    length: int | None = -1
    cut: float = 1.0
    late: bool = False
    closes: bool = True
    spoilt: list[str] = field(default_factory=list)

    def render(self, honest: bytes) -> Response:
        """The answer as it goes over the wire; `late` sends an honest one after it."""
        headers, body = list(self.headers), self.body
        if self.chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        elif self.length is not None:
            headers.append((b"Content-Length", b"%d" % (len(body) if self.length == -1 else self.length)))
        lines = [self.status, *(name + b": " + value for name, value in headers)]
        content = self.before + (b"\r\n".join(lines) + b"\r\n\r\n" + body if self.status else b"")
        late = Draft(honest).render(honest).body if self.late else b""
        return wire(content[: int(len(content) * self.cut)], late=late, closes=self.closes)


def spoil(honest: Response, random: Random) -> tuple[Response, list[str]]:
    """An answer made of the honest one by one to three changes, and which changes those were."""
    draft = Draft(honest.body)
    for change in random.choices(_CHANGES, k=random.choice((1, 1, 2, 3))):
        change(draft, random)
        draft.spoilt.append(change.__name__)
    return draft.render(honest.body), draft.spoilt


def _status(draft: Draft, random: Random) -> None:
    draft.status = random.choice(STATUS_LINES) % random.choice(STATUSES)
    if random.random() < 0.3:
        draft.body = random.choice((b"", b"<html>no</html>", b'{"errno":20001,"errmsg":"\\ud83d","result":null}'))


def _status_and_wait(draft: Draft, random: Random) -> None:
    draft.status = b"HTTP/1.1 %d X" % random.choice((429, 503))
    draft.headers.append((b"Retry-After", random.choice(HEADER_VALUES)))


def _header(draft: Draft, random: Random) -> None:
    draft.headers.append((random.choice(HEADER_NAMES), random.choice(HEADER_VALUES)))


def _many_headers(draft: Draft, random: Random) -> None:
    draft.headers += [(b"X-%d" % number, b"x") for number in range(random.choice((50, 99, 100, 5_000)))]


def _header_line(draft: Draft, random: Random) -> None:
    draft.headers.append(
        (random.choice(HEADER_NAMES), b"x\r\n" + random.choice((b" folded", b"\tfolded", b":", b"\x00\x00")))
    )


def _length(draft: Draft, random: Random) -> None:
    draft.length = random.choice((0, 1, 10, -5, 10**6, 10**20, None))


def _chunks(draft: Draft, random: Random) -> None:
    draft.chunked = True
    if random.random() < 0.7:
        size = random.choice(
            (b"-5", b"zz", b"", b"fffffffffffffffffffff", b"0", b"1_0", b"+5", b"5;x=" + b"y" * 70_000)
        )
        draft.chunked, draft.length = False, None
        draft.headers.append((b"Transfer-Encoding", b"chunked"))
        draft.body = size + b"\r\n" + draft.body + b"\r\n0\r\n\r\n"


def _encoding(draft: Draft, random: Random) -> None:
    name = random.choice((b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"identity", b"x" * 500, b"gzip," * 50))
    packed = random.choice((gzip.compress, zlib.compress, bytes))(draft.body)
    draft.headers.append((b"Content-Encoding", name))
    if random.random() < 0.4 and packed:
        at = random.randrange(len(packed))
        packed = (
            packed[:at] if random.random() < 0.5 else packed[:at] + bytes([random.randrange(256)]) + packed[at + 1 :]
        )
    draft.body = packed


def _interim(draft: Draft, random: Random) -> None:
    number = random.choice((100, 101, 102, 103, 199))
    draft.before = b"HTTP/1.1 %d Wait\r\nLink: <x>\r\n\r\n" % number * random.choice((1, 3))


def _late(draft: Draft, random: Random) -> None:
    """Nothing, or no answer yet; a moment later, the honest answer."""
    head = random.choice(
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        )
    )
    draft.before, draft.status, draft.headers, draft.body, draft.length = head, b"", [], b"", None
    draft.late, draft.closes = True, False


def _cut(draft: Draft, random: Random) -> None:
    draft.cut = random.random()


def _value(draft: Draft, random: Random) -> None:
    """One value, anywhere in the document, is another one."""
    places = list(re.finditer(rb'": ?("[^"]*"|[^",\[\]{}]+)', draft.body))
    if places:
        place = random.choice(places)
        draft.body = draft.body[: place.start(1)] + random.choice(JSON_VALUES) + draft.body[place.end(1) :]


def _total_or_number(draft: Draft, random: Random) -> None:
    name = random.choice((b"total", b"errno", b"errmsg", b"list", b"result", b"createdAt", b"txHash"))
    new = b'"%b":%b,"%b":' % (name, random.choice(JSON_VALUES), name)
    draft.body = draft.body.replace(b'"%b":' % name, new if random.random() < 0.5 else b'"x":0,"%b2":' % name, 1)


def _whole_value(draft: Draft, random: Random) -> None:
    draft.body = random.choice(
        (
            random.choice(JSON_VALUES),
            b'{"errno":0,"result":%b}' % random.choice(JSON_VALUES),
            b'{"errno":0,"result":{"total":1,"list":[%b]}}' % random.choice(JSON_VALUES),
            b'{"errno":%b,"errmsg":%b,"result":null}' % (random.choice(JSON_VALUES), random.choice(JSON_VALUES)),
            b'{"code":%b,"msg":[%b]}' % (random.choice(JSON_VALUES), random.choice(JSON_VALUES)),
            b'{"data":[%b],"total":%b}' % (random.choice(JSON_VALUES), random.choice(JSON_VALUES)),
            b'{"errno":0,"result":{"total":1,"list":[' + b",".join([b"0"] * 2_000) + b"]}}",
        )
    )


def _codec(draft: Draft, random: Random) -> None:
    text = draft.body.decode("utf-8", "replace")
    codec = random.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "latin-1"))
    draft.body = text.encode(codec, "replace")


def _bytes(draft: Draft, random: Random) -> None:
    body = bytearray(draft.body)
    for _ in range(random.choice((1, 5, 50)) if body else 0):
        body[random.randrange(len(body))] = random.randrange(256)
    draft.body = bytes(body)


def _items(draft: Draft, random: Random) -> None:
    """Items that come twice, in another order, or not at all."""
    try:
        document: Any = json.loads(draft.body)
        entries = document["result"]["list"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    if isinstance(entries, list):
        document["result"]["list"] = random.choice(
            (entries * 3, entries[::-1], entries[:1], [], entries * 60, [entries], [*entries, None])
        )
        draft.body = json.dumps(document).encode()


_CHANGES: tuple[Callable[[Draft, Random], None], ...] = (
    _status,
    _status_and_wait,
    _header,
    _header,
    _many_headers,
    _header_line,
    _length,
    _chunks,
    _encoding,
    _interim,
    _late,
    _late,
    _cut,
    _value,
    _value,
    _value,
    _total_or_number,
    _whole_value,
    _codec,
    _bytes,
    _items,
)
