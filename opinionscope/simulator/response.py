"""What the exchange sends back, before it is put on the wire."""

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

Envelope = Literal["live", "documented"]


class Transmission(Enum):
    """How an answer leaves: whole, or in one of the ways in which networks fail."""

    WHOLE = auto()
    HANG = auto()
    DRIP = auto()
    RESET_BEFORE_ANSWER = auto()
    RESET_IN_BODY = auto()
    HUGE_BODY = auto()
    RAW = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer. Status 0: nothing that could be called an answer is sent.

    Delivered as RAW, the body is all that is sent, head included. `late` comes unasked, a moment after the answer;
    `closes` ends the connection then.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Transmission = Transmission.WHOLE
    late: bytes = b""
    closes: bool = False


def success(result: bytes, envelope: Envelope) -> Response:
    """A good answer around a rendered result, in the live or in the documented envelope."""
    if envelope == "documented":
        return Response(200, b'{"code":0,"msg":"success","result":' + result + b"}")
    return Response(200, b'{"errno":0,"errmsg":"","result":' + result + b"}")


def page_result(items: list[bytes], total: int) -> bytes:
    """A list result; the list of an empty page is null, as documented."""
    listed = b"[" + b",".join(items) + b"]" if items else b"null"
    return b'{"list":' + listed + b',"total":%d}' % total


def failure(
    number: int, message: str, envelope: Envelope, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """An application error; upstream sends most of them with HTTP 200."""
    keys = ("code", "msg") if envelope == "documented" else ("errno", "errmsg")
    document: dict[str, Any] = {keys[0]: number, keys[1]: message, "result": None}
    return Response(status, json.dumps(document).encode(), headers=headers)
