"""The API's endpoints: a path and a query in, an honest answer out."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opinionscope.simulator.response import Envelope, Response, failure, page_result, success
from opinionscope.simulator.simulated_market import View
from opinionscope.simulator.simulated_trade import CHAIN_ID
from opinionscope.simulator.state import Exchange

BAD_PARAMETER = 10000
NO_SUCH_MARKET = 10200
LONGEST_PAGE = 20
_VIEWS: dict[str, View] = {"": "", "activated": "activated", "resolved": "resolved"}


class _Refused(Exception):
    """A request that the API answers with an error."""

    def __init__(self, number: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.number = number
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request for data: what was asked, of which exchange, to be answered in which envelope."""

    exchange: Exchange
    path: str
    query: Mapping[str, str]
    envelope: Envelope
    longest_page: int = LONGEST_PAGE

    def number(self, name: str, default: int, allowed: range) -> int:
        """A whole number of the query. Raises `_Refused` when it is none or out of range."""
        text = self.query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) not in allowed:
            raise _Refused(BAD_PARAMETER, f"{name} is invalid")
        return int(text)

    def page(self) -> tuple[int, int]:
        """Page (from 1) and limit; a limit above the longest page is cut to that."""
        anything = range(1, 10**18)
        return self.number("page", 1, anything), min(self.number("limit", 10, anything), self.longest_page)


def answer_call(call: Call) -> Response:
    """The answer that the API gives when all is well."""
    try:
        for pattern, endpoint in _ROUTES:
            if match := pattern.fullmatch(call.path):
                return endpoint(call, *match.groups())
        return Response(404, b"404 page not found", "text/plain")
    except _Refused as refused:
        return failure(refused.number, str(refused), call.envelope, status=refused.status)


def _market_page(call: Call) -> tuple[list[bytes], int]:
    page, limit = call.page()
    status = _VIEWS.get(call.query.get("status", ""))
    if status is None:
        raise _Refused(BAD_PARAMETER, "status is invalid")
    market_type = call.number("marketType", 0, range(3))
    sort_by = call.number("sortBy", 1, range(1, 6))
    if call.query.get("chainId", CHAIN_ID) != CHAIN_ID:
        return [], 0
    return call.exchange.market_page(page, limit, status=status, market_type=market_type, sort_by=sort_by)


def _trade_page(call: Call, address: str) -> tuple[list[bytes], int]:
    page, limit = call.page()
    market_id = call.number("marketId", 0, range(10**18)) if "marketId" in call.query else None
    if call.query.get("chainId", CHAIN_ID) != CHAIN_ID:
        return [], 0
    return call.exchange.trade_page(address, page, limit, market_id)


def _markets(call: Call) -> Response:
    return success(page_result(*_market_page(call)), call.envelope)


def _trades(call: Call, address: str) -> Response:
    return success(page_result(*_trade_page(call, address)), call.envelope)


def _older_markets(call: Call) -> Response:
    return _bare_page(*_market_page(call))


def _older_trades(call: Call, address: str) -> Response:
    return _bare_page(*_trade_page(call, address))


def _bare_page(items: list[bytes], total: int) -> Response:
    return Response(200, b'{"data":[' + b",".join(items) + b'],"total":%d}' % total)


def _market(call: Call, market_id: str) -> Response:
    return _detail(call, market_id, categorical=False)


def _categorical_market(call: Call, market_id: str) -> Response:
    return _detail(call, market_id, categorical=True)


def _detail(call: Call, market_id: str, *, categorical: bool) -> Response:
    market = call.exchange.market_detail(int(market_id), categorical=categorical)
    if market is None:
        raise _Refused(NO_SUCH_MARKET, "Topic ID does not exist")
    return success(b'{"data":' + market + b"}", call.envelope)


def _positions(call: Call, address: str) -> Response:
    page, limit = call.page()
    market_id = call.number("marketId", 0, range(10**18)) if "marketId" in call.query else None
    found = [] if call.query.get("chainId", CHAIN_ID) != CHAIN_ID else call.exchange.positions(address, market_id)
    items = [json.dumps(document).encode() for document in found[(page - 1) * limit : page * limit]]
    return success(page_result(items, len(found)), call.envelope)


def _leaderboard(call: Call) -> Response:
    limit = call.number("limit", 20, range(1, 101))
    days = call.number("period", 0, range(31))
    data_type = call.query.get("dataType", "volume")
    if days not in (0, 1, 7, 30) or data_type not in ("volume", "profit", "points"):
        raise _Refused(BAD_PARAMETER, "dataType or period is invalid")
    ranked = call.exchange.leaderboard(data_type, days)[:limit]
    # Only the live envelope is known of this path, which the vendor does not document.
    return success(json.dumps({"list": ranked}).encode(), "live")


def _latest_price(call: Call) -> Response:
    token_id = call.query.get("token_id", "")
    if not token_id:
        raise _Refused(BAD_PARAMETER, "token_id is required")
    price = call.exchange.latest_price(token_id)
    if price is None:
        raise _Refused(404, "token not found", status=404)
    return success(json.dumps(price).encode(), call.envelope)


_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Response]], ...] = (
    (re.compile(r"/openapi/market"), _markets),
    (re.compile(r"/openapi/trade/user/([^/]+)"), _trades),
    (re.compile(r"/openapi/market/([0-9]{1,18})"), _market),
    (re.compile(r"/openapi/market/categorical/([0-9]{1,18})"), _categorical_market),
    (re.compile(r"/openapi/token/latest-price"), _latest_price),
    (re.compile(r"/openapi/positions/user/([^/]+)"), _positions),
    (re.compile(r"/api/bsc/api/v2/leaderboard"), _leaderboard),
    (re.compile(r"/openapi/market/list"), _older_markets),
    (re.compile(r"/openapi/user/([^/]+)/trades"), _older_trades),
)
