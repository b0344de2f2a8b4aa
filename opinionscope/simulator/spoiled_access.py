"""Faults of who may ask: places that the exchange does not serve, what stands in front of it, and its own troubles."""

from dataclasses import replace

from opinionscope.simulator.response import Response, failure
from opinionscope.simulator.spoil import Spoil, SpoilFunction

_RESTRICTED = (
    "API is not available to persons located in the United States, China, "
    "or persons located in restricted jurisdictions"
)
_DENIED = b"<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>"
_LEGAL = b"<html><head><title>Unavailable</title></head><body>Unavailable For Legal Reasons</body></html>"


def _geo_block_2025(spoil: Spoil) -> Response:
    return failure(10403, "Invalid area", spoil.envelope)


def _geo_block_2026(spoil: Spoil) -> Response:
    return failure(10403, _RESTRICTED, spoil.envelope, status=403)


def _status_403_html(_spoil: Spoil) -> Response:
    return Response(403, _DENIED, "text/html")


def _status_451_html(_spoil: Spoil) -> Response:
    return Response(451, _LEGAL, "text/html")


def _errno_10004(spoil: Spoil) -> Response:
    return failure(10004, "GetUserTrades failed. err:needs a pointer to a slice or a map", spoil.envelope)


def _odd_headers(spoil: Spoil) -> Response:
    """Headers as a chain of proxies leaves them: repeated, empty, not ASCII."""
    odd = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Domain=example.org"), ("X-Empty", ""), ("Via", "1.1 caf\xe9"))
    return replace(spoil.answer, headers=(*spoil.answer.headers, *odd))


ACCESS_FAULTS: dict[str, SpoilFunction] = {
    "geo_block_2025": _geo_block_2025,
    "geo_block_2026": _geo_block_2026,
    "403_html": _status_403_html,
    "451_html": _status_451_html,
    "errno_10004": _errno_10004,
    "odd_headers": _odd_headers,
}
