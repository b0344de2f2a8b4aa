"""Bad answers by name, each with what is said of it; None where it can be read after all."""

import gzip
import re

from opinionscope.simulator.response import Response
from tests.isolation.misbehaving import JSON, Bend, raw, whole, wire, with_body, with_header

_TWENTY_DIGITS = b"9" * 20
_ENDLESS_DAY = b"Mon, " + _TWENTY_DIGITS + b" Jan 2026 10:00:00 GMT"
_HTML = b"<html><h1>Forbidden</h1></html>"


def _chunked(*chunks: bytes) -> Bend:
    return lambda _honest: raw(b"".join(chunks), (b"Transfer-Encoding", b"chunked"), length=None, closes=True)


def _redirect(location: bytes) -> Bend:
    return lambda _honest: raw(b"", (b"Location", location), status=b"302 Found")


def _field(name: str, value: bytes) -> Bend:
    """The first item with another value, as JSON, in one field."""
    pattern = re.compile(b'"%b": ("[^"]*"|[^,}]*)' % name.encode())
    return with_body(lambda body: pattern.sub(lambda _: b'"%b": %b' % (name.encode(), value), body, count=1))


def _cut_gzip(honest: Response) -> Response:
    packed = gzip.compress(honest.body)
    return raw(packed[: len(packed) // 2], JSON, (b"Content-Encoding", b"gzip"), closes=True)


def _cut_in_headers(honest: Response) -> Response:
    return wire(whole(honest)[:30], closes=True)


def _late(head: bytes) -> Bend:
    """Something that is no answer yet, and a moment later the answer."""
    return lambda honest: wire(head, late=whole(honest))


def _deeply_nested(body: bytes) -> bytes:
    return body.replace(b'"list":', b'"deep":' + b"[" * 100_000 + b"]" * 100_000 + b',"list":', 1)


HEADERS: dict[str, tuple[Bend, str | None]] = {
    "a date in an absurd zone": (with_header(b"Date", b"Mon, 05 Jan 2026 10:00:00 +99999999"), None),
    "a date with a day of twenty digits": (
        with_header(b"Date", b"Mon, " + b"9" * 20 + b" Jan 2026 10:00:00 GMT"),
        None,
    ),
    "a date of the first year": (with_header(b"Date", b"Mon, 01 Jan 0001 00:00:00 +2359"), None),
    "a date of the second year": (with_header(b"Date", b"Wed, 01 Jan 0002 00:00:00 GMT"), None),
    "a date beyond all years": (with_header(b"Date", b"Fri, 31 Dec 9999 23:59:59 -2359"), None),
    "a wait until a day of twenty digits": (
        lambda _: raw(b"", (b"Retry-After", _ENDLESS_DAY), status=b"503 Busy"),
        "HTTP 503",
    ),
    "a wait until a date in an absurd zone": (
        lambda _: raw(b"", (b"Retry-After", b"Mon, 05 Jan 2026 10:00:00 -99999999999"), status=b"503 Busy"),
        "HTTP 503",
    ),
    "a wait of twenty digits": (
        lambda _: raw(b"", (b"Retry-After", _TWENTY_DIGITS), status=b"503 Busy"),
        "HTTP 503",
    ),
    "a redirect to what is no URL": (
        lambda _: raw(b"", (b"Location", b"http://[::1"), status=b"302 Found"),
        "redirects",
    ),
    "a redirect that is not UTF-8": (_redirect(b"/\xff\xfe"), "redirects"),
    "a redirect of endless length": (
        lambda _: raw(b"x" * 9_000_000, (b"Location", b"/"), status=b"302 Found"),
        "larger than 8 MiB",
    ),
    "two lengths": (lambda honest: raw(honest.body, (b"Content-Length", b"5"), closes=True), "broke"),
    "a negative length": (lambda honest: raw(honest.body, length=-5, closes=True), None),
    "a cookie from hell": (
        with_header(b"Set-Cookie", b"a=\xff; expires=%b; max-age=%b" % (_ENDLESS_DAY, _TWENTY_DIGITS)),
        None,
    ),
    "a line that is no header": (with_header(b"no header at all\r\nmore", b"of it"), None),
    "an unknown encoding": (with_header(b"Content-Encoding", b"rot13"), None),
    "a wrong encoding": (with_header(b"Content-Encoding", b"gzip"), "broke"),
}

# A second answer that comes once the next request is on its way cannot be told from that request's own: what is
# promised of those that come earlier is tested in test_connections.py, at a pace at which they have arrived.
FRAMING: dict[str, tuple[Bend, str | None]] = {
    "a chunk of negative size": (_chunked(b"-5\r\n", b"hello\r\n"), "broke"),
    "a chunk whose size is no number": (_chunked(b"zz\r\n", b"hello\r\n"), "broke"),
    "an interim answer": (_late(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "HTTP 103"),
    "another interim answer": (_late(b"HTTP/1.1 102 Processing\r\n\r\n"), "HTTP 102"),
    "no content": (_late(b"HTTP/1.1 204 No Content\r\n\r\n"), "HTTP 204"),
    "an empty answer": (_late(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "no JSON (0 bytes"),
    "an empty answer in no chunks": (
        _late(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "no JSON (0 bytes",
    ),
    "the same answer twice": (lambda honest: wire(whole(honest) * 2), None),
    "an end in the headers": (_cut_in_headers, "broke"),
    "an end in the status line": (lambda _: wire(b"HTTP/1.1 40", closes=True), "broke"),
    "an end before anything": (lambda _: wire(b"", closes=True), "broke"),
    "a cut gzip body": (_cut_gzip, "no JSON"),
    "something else than HTTP": (lambda _: wire(b"220 ready\r\n", closes=True), "broke"),
}

STATUSES: dict[str, tuple[Bend, str | None]] = {
    "401 without an envelope": (lambda _: raw(_HTML, status=b"401 Unauthorized"), "blocks it (HTTP 401"),
    "403 without an envelope": (lambda _: raw(_HTML, status=b"403 Forbidden"), "blocks it (HTTP 403"),
    "451 without an envelope": (lambda _: raw(_HTML, status=b"451 No"), "blocks it (HTTP 451"),
    "a status of 999": (lambda _: raw(_HTML, status=b"999 What"), "999"),
    "429 for an hour": (
        lambda _: raw(b"", (b"Retry-After", b"3600"), status=b"429 Too Many Requests"),
        "fewer requests (429)",
    ),
}

CONTENT: dict[str, tuple[Bend, str | None]] = {
    **{
        f"a lone surrogate in {name}": (_field(name, b'"Rain \\ud83d"'), None)
        for name in ("marketTitle", "rootMarketTitle", "outcome", "quoteToken", "chainId")
    },
    "a lone surrogate as raw bytes": (_field("marketTitle", b'"Rain \xed\xa0\xbd"'), None),
    "a character cut in its bytes": (_field("marketTitle", b'"Rain \xf0\x9f"'), None),
    "a lone surrogate where no text belongs": (_field("side", b'"\\udc00"'), "side"),
    "a number with underscores": (_field("shares", b'"1_000"'), "finite number"),
    "a number in other digits": (_field("price", '"٠.٥"'.encode()), "finite number"),
    "a number that is endlessly small": (_field("amount", b'"1e-999999999"'), "finite number"),
    "a number beyond all floats": (_field("amount", b"1e400"), "finite number"),
    "a number of 5,000 digits": (_field("amount", b"9" * 5_000), "finite number"),
    "a time of 5,000 digits": (_field("createdAt", b"9" * 5_000), "finite number"),
    "a trade of the year 9999": (_field("createdAt", b"253402300799"), "in the future"),
    "100,000 unreadable items": (
        with_body(lambda _: b'{"errno":0,"result":{"total":1,"list":[' + b",".join([b"0"] * 100_000) + b"]}}"),
        "100000 entries",
    ),
    "duplicate keys": (with_body(lambda body: body.replace(b"{", b'{"errno":0,"result":7,', 1)), None),
    "deep nesting": (with_body(_deeply_nested), "no JSON"),
    "a byte order mark": (with_body(lambda body: b"\xef\xbb\xbf" + body), None),
    "UTF-16": (with_body(lambda body: body.decode().encode("utf-16")), None),
    "NaN": (_field("price", b"NaN"), "finite number"),
    "an error number in other digits": (
        with_body(lambda _: '{"errno":"٤٠١","errmsg":null,"result":null}'.encode()),
        "refuses the request",
    ),
}

BAD_ANSWERS = {**HEADERS, **FRAMING, **STATUSES, **CONTENT}
