"""What went wrong, as one of our exceptions: the one table of HTTP states, `errno` numbers and transport errors."""

import errno
import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from opinionscope.errors import ApiError, ApiUnavailable, KeyRefused, NotFound, RequestRefused, Throttled
from opinionscope.text import one_line

KEY_TROUBLE = {401, 403, 11001, 11002, 11004, 11005, *range(11009, 11014)}
_LONGEST_MESSAGE = 200
_NO_CONNECTION = {
    "NameResolutionError": "the host name of the exchange cannot be resolved",
    os.strerror(errno.ECONNREFUSED): "refused",
    os.strerror(errno.EMFILE): "this process may not open so many files, see `ulimit -n`",
}


def failure_of(number: object, message: str) -> ApiError:
    """The exception for an HTTP status or for an `errno` or `code` of the envelope."""
    text = str(number)
    code = int(text) if text.isdecimal() and len(text) < 10 else -1
    said = f" ({printable(message)})" if message else ""
    if code in KEY_TROUBLE:
        return KeyRefused(f"the exchange refuses the API key: {code}{said}. Check OPINION_TRADE_API_KEY")
    if code == 429:
        return Throttled(f"the exchange asks for fewer requests: 429{said}")
    if code == 404:
        return NotFound(f"the exchange does not know it: 404{said}")
    if 500 <= code < 600:
        return ApiUnavailable(f"the exchange is in trouble: {code}{said}")
    return RequestRefused(f"the exchange refuses the request: {printable(text)}{said}")


def transport_failure(error: requests.RequestException) -> ApiUnavailable:
    """The exception for a request that brought no complete answer."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        certificate = "CERTIFICATE_VERIFY_FAILED" in text
        reason = "the certificate of the exchange cannot be verified" if certificate else "what answers speaks no TLS"
        return ApiUnavailable(f"no secure connection: {reason}")
    if isinstance(error, requests.ConnectTimeout):
        return ApiUnavailable("no connection in time")
    if isinstance(error, requests.Timeout):
        return ApiUnavailable("no answer in time")
    reasons = [reason for sign, reason in _NO_CONNECTION.items() if sign in text]
    return ApiUnavailable(f"no connection: {reasons[0]}" if reasons else "the connection broke")


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait that a Retry-After header asks for, given in seconds or as a date; None without a usable one."""
    text = (header or "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def printable(text: str) -> str:
    """Upstream's words, fit for a log line: short, on one line, without control characters."""
    return one_line(text, _LONGEST_MESSAGE)
