"""What went wrong, as one of our exceptions: the one table of HTTP statuses, `errno` numbers and transport errors."""

import errno
import os
from http.client import HTTPException

import requests
from urllib3.exceptions import HTTPError

from opinionscope.errors import (
    AccessBlocked,
    AccessRefused,
    ApiError,
    ApiUnavailable,
    BadAnswer,
    KeyRefused,
    LocationBlocked,
    NoSuchMarket,
    NotFound,
    RequestRefused,
    Throttled,
)
from opinionscope.text import one_line

KEY_TROUBLE = {401, 403, 11001, 11002, 11004, 11005, *range(11009, 11014)}
ADDRESS_SETTINGS = "OPINION_TRADE_BASE_URL and the path settings"
_THROTTLED = 429
# What firewalls and proxies answer, and the API itself only in an envelope.
_BLOCKED = (401, 403, 407, 451)
# 10004, 10200 and 10403 are from recorded answers of the live API; https://docs.opinion.trade does not list them.
_BY_NUMBER: dict[int, tuple[type[ApiError], str]] = {
    404: (NotFound, "not found on the exchange"),
    _THROTTLED: (Throttled, "the exchange asks for fewer requests"),
    10004: (ApiUnavailable, "the exchange failed internally"),
    10200: (NoSuchMarket, "the exchange has no such market"),
    10403: (LocationBlocked, "Opinion does not serve this machine's location"),
}
_LONGEST_MESSAGE = 200
# What `requests` says in an OSError of its own.
_NO_CERTIFICATES = "Could not find a suitable TLS CA certificate bundle"
_NO_CONNECTION = {
    "NameResolutionError": "the exchange's host name cannot be resolved",
    os.strerror(errno.ECONNREFUSED): "refused",
    os.strerror(errno.EMFILE): "too many open files; raise the limit with `ulimit -n`",
}


def failure_of_status(status: int, said_in_envelope: ApiError | None) -> ApiError:
    """The exception for an HTTP status other than 200. `said_in_envelope` is what the answer itself says, if anything.

    A 429 or 5xx is what it is, whatever comes with it. Otherwise the envelope knows better than the status.
    """
    if status < 300:
        return ApiUnavailable(f"HTTP {status} without a response body")
    if status < 400:
        return BadAnswer(f"the exchange redirects elsewhere (HTTP {status}), which is not followed: check the base URL")
    known = isinstance(said_in_envelope, RequestRefused | AccessRefused | ApiUnavailable)
    if said_in_envelope and known and status < 500 and status != _THROTTLED:
        return said_in_envelope
    if status in _BLOCKED:
        return AccessBlocked(
            f"something between this machine and the exchange blocks it (HTTP {status}, not from the Opinion API): "
            "check firewalls, proxies and the network"
        )
    if status == 404:
        # The exchange itself says in an envelope that something doesn't exist.
        return BadAnswer(f"HTTP 404, not from the Opinion API: check {ADDRESS_SETTINGS}")
    return failure_of(status, "")


def failure_of(number: object, message: str) -> ApiError:
    """The exception for an HTTP status, or for an `errno` or `code` in the envelope."""
    text = str(number)
    code = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    said = f" ({printable(message)})" if message else ""
    if code in KEY_TROUBLE:
        return KeyRefused(f"the exchange refuses the API key: {code}{said}. Check OPINION_TRADE_API_KEY")
    if code in _BY_NUMBER:
        failure, words = _BY_NUMBER[code]
        return failure(f"{words} ({code}){said}")
    if 500 <= code < 600:
        return ApiUnavailable(f"exchange error (HTTP {code}){said}")
    return RequestRefused(f"the exchange refuses the request: {printable(text)}{said}")


def transport_failure(error: Exception) -> ApiUnavailable:
    """The exception for a request that got no complete answer, whatever kept it from that."""
    text = str(error)
    if not isinstance(error, requests.RequestException | HTTPError | HTTPException | OSError):
        return ApiUnavailable(f"the answer cannot be read ({type(error).__name__})")
    if _NO_CERTIFICATES in text:
        return ApiUnavailable("no secure connection: the file of trusted certificates is missing")
    if isinstance(error, requests.exceptions.SSLError):
        certificate = "CERTIFICATE_VERIFY_FAILED" in text
        reason = "the exchange's certificate cannot be verified" if certificate else "the server doesn't speak TLS"
        return ApiUnavailable(f"no secure connection: {reason}")
    if isinstance(error, requests.ConnectTimeout):
        return ApiUnavailable("no connection in time")
    if isinstance(error, requests.Timeout):
        return ApiUnavailable("no answer in time")
    reasons = [reason for sign, reason in _NO_CONNECTION.items() if sign in text]
    return ApiUnavailable(f"no connection: {reasons[0]}" if reasons else "the connection broke")


def printable(text: str) -> str:
    """Upstream's words, fit for a log line: short, on one line, without control characters."""
    return one_line(text, _LONGEST_MESSAGE)
