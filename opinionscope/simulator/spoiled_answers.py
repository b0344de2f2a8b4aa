"""Faults of the answer as a whole: its status, its headers, its body, its delivery."""

import gzip
import json
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from threading import Lock

from opinionscope.simulator.response import Response, Transmission, failure
from opinionscope.simulator.spoil import Spoil, SpoilFunction

BOMB_BYTES = 200_000_000

_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>502</h1></body></html>"


def _status_500(spoil: Spoil) -> Response:
    return failure(500, "internal error", spoil.envelope, status=500)


def _status_502_html(_spoil: Spoil) -> Response:
    return Response(502, _HTML, "text/html")


def _status_404_html(_spoil: Spoil) -> Response:
    return Response(404, _HTML, "text/html")


def _status_503(spoil: Spoil) -> Response:
    return failure(503, "unavailable", spoil.envelope, status=503)


def _status_503_retry_after(spoil: Spoil) -> Response:
    return replace(_status_503(spoil), headers=(("Retry-After", "1"),))


def _status_429(spoil: Spoil) -> Response:
    return replace(_status_429_no_retry_after(spoil), headers=(("Retry-After", "1"),))


def _status_429_no_retry_after(spoil: Spoil) -> Response:
    return failure(429, "too many requests", spoil.envelope, status=429)


def _status_429_retry_after_date(spoil: Spoil) -> Response:
    moment = formatdate(spoil.now + 2, usegmt=True)
    return replace(_status_429_no_retry_after(spoil), headers=(("Retry-After", moment),))


def _status_401(spoil: Spoil) -> Response:
    return failure(401, "unauthorized", spoil.envelope, status=401)


def _errno_11002(spoil: Spoil) -> Response:
    return failure(11002, "invalid API key", spoil.envelope)


def _errno_nonzero(spoil: Spoil) -> Response:
    return failure(20001, "temporary trouble", spoil.envelope)


def _empty_body(spoil: Spoil) -> Response:
    return replace(spoil.answer, body=b"")


def _truncated_json(spoil: Spoil) -> Response:
    return replace(spoil.answer, body=spoil.answer.body[: len(spoil.answer.body) * 2 // 3])


def _wrong_content_type(spoil: Spoil) -> Response:
    return replace(spoil.answer, content_type="text/html")


def _html_200(_spoil: Spoil) -> Response:
    return Response(200, b"<!doctype html><html><body>Just a moment...</body></html>", "text/html")


def _list_instead_of_object(spoil: Spoil) -> Response:
    return replace(spoil.answer, body=b"[" + spoil.answer.body + b"]")


def _string_instead_of_object(spoil: Spoil) -> Response:
    return replace(spoil.answer, body=b'"ok"')


def _number_instead_of_object(spoil: Spoil) -> Response:
    return replace(spoil.answer, body=b"42")


def _redirect_other_host(spoil: Spoil) -> Response:
    return Response(302, headers=(("Location", f"http://localhost:{spoil.port}/stolen"),))


def _hang(_spoil: Spoil) -> Response:
    return Response(0, delivery=Transmission.HANG)


def _drip(spoil: Spoil) -> Response:
    return replace(spoil.answer, delivery=Transmission.DRIP)


def _reset_before_answer(_spoil: Spoil) -> Response:
    return Response(0, delivery=Transmission.RESET_BEFORE_ANSWER)


def _reset_in_body(spoil: Spoil) -> Response:
    return replace(spoil.answer, delivery=Transmission.RESET_IN_BODY)


def _huge_body(_spoil: Spoil) -> Response:
    return Response(200, delivery=Transmission.HUGE_BODY)


_making_the_bomb = Lock()


@cache
def _bomb() -> bytes:
    return gzip.compress(b'{"errno":0,"errmsg":"' + b"x" * BOMB_BYTES, compresslevel=1)


def _gzip_bomb(_spoil: Spoil) -> Response:
    with _making_the_bomb:  # once, and not once for each of the requests that come at the same time
        bomb = _bomb()
    return Response(200, bomb, headers=(("Content-Encoding", "gzip"),))


def _echo_key(spoil: Spoil) -> Response:
    """The request's own key in the answer, where logs and tables would show it: in turn, one place after another."""
    key = spoil.key
    answers = (
        lambda: failure(20001, f"no luck with {key}", spoil.envelope),
        lambda: failure(20001, f"{'no luck at all ' * 12}{key} and {key}", spoil.envelope),
        lambda: Response(200, f"<p>{key}</p>".encode(), "text/html"),
        lambda: Response(502, f"<p>{key}</p>".encode(), "text/html", headers=(("Retry-After", key),)),
        lambda: Response(200, json.dumps({"errno": key, "errmsg": None, "result": None}).encode()),
        lambda: Response(302, headers=(("Location", f"http://localhost:{spoil.port}/stolen?key={key}"),)),
        lambda: _replaced(spoil, f'"marketTitle": "{key} '),
    )
    return answers[spoil.nth % len(answers)]()


def _replaced(spoil: Spoil, title: str) -> Response:
    return replace(spoil.answer, body=spoil.answer.body.replace(b'"marketTitle": "', title.encode()))


ANSWER_FAULTS: dict[str, SpoilFunction] = {
    "500": _status_500,
    "502_html": _status_502_html,
    "404_html": _status_404_html,
    "503": _status_503,
    "503_retry_after": _status_503_retry_after,
    "429": _status_429,
    "429_no_retry_after": _status_429_no_retry_after,
    "429_retry_after_date": _status_429_retry_after_date,
    "401": _status_401,
    "errno_11002": _errno_11002,
    "errno_nonzero": _errno_nonzero,
    "empty_body": _empty_body,
    "truncated_json": _truncated_json,
    "wrong_content_type": _wrong_content_type,
    "html_200": _html_200,
    "list_instead_of_object": _list_instead_of_object,
    "string_instead_of_object": _string_instead_of_object,
    "number_instead_of_object": _number_instead_of_object,
    "redirect_other_host": _redirect_other_host,
    "hang": _hang,
    "drip": _drip,
    "reset_before_answer": _reset_before_answer,
    "reset_in_body": _reset_in_body,
    "huge_body": _huge_body,
    "gzip_bomb": _gzip_bomb,
    "echo_key": _echo_key,
}
