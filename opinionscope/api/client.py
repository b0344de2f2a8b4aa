"""The client of the Opinion OpenAPI: which request brings which model, and what can go wrong on the way."""

import logging
import time
import traceback
from copy import copy
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple, Self

import requests

from opinionscope import __version__
from opinionscope.api.answers import (
    Item,
    Page,
    UnreadPage,
    read_detail,
    read_list,
    read_page,
    read_result,
    without_future,
)
from opinionscope.api.clock import ExchangeClock
from opinionscope.api.failures import failure_of_status, transport_failure
from opinionscope.api.headers import read_date, retry_after_seconds
from opinionscope.api.key_ring import KeyRing
from opinionscope.api.models import Market, Position, Trade
from opinionscope.api.pacer import Pacer
from opinionscope.api.retries import Retries
from opinionscope.api.throttling import Throttling
from opinionscope.api.transport import RequestGate, Transports, address_of
from opinionscope.errors import ApiError, ApiUnavailable, BadAnswer, KeyRefused, OpinionscopeError, Throttled
from opinionscope.settings import Settings
from opinionscope.times import utc_now

PAGE_SIZE = 20
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
LARGEST_ANSWER = 8 * 1024 * 1024
_CHUNK = 64 * 1024
_WITHOUT_CONTENT = {*range(100, 200), 204, 304}

logger = logging.getLogger(__name__)


class _Result(NamedTuple):
    """The result in an answer, which is None if its digest was already known; the digest of its bytes if asked for;
    and the latest time, in unix seconds, that it can be on the exchange."""

    content: Any
    digest: bytes
    latest: float


class OpinionClient:
    """A session with the exchange. Threads may share it; requests take turns on the shared rate limit.

    Each goes with the key that is free first. `pacer` is open for the keys of the settings, in their order. A key that
    the exchange refuses is set aside; only when it refuses all of them, KeyRefused is raised.

    `deadline` (monotonic seconds) is the moment after which no request begins: OutOfTime is raised instead. Every
    fetch raises an ApiError of the kind that fits, after the configured number of attempts.
    """

    def __init__(self, settings: Settings, pacer: Pacer, *, deadline: float) -> None:
        self._settings = settings
        self._keys = KeyRing(settings.require_api_keys())
        self._pacer = pacer
        self._throttling = [Throttling(pacer, key) for key in self._keys.usable]
        self._gate = RequestGate(pacer, self._keys, deadline)
        self._transports = Transports(self._gate)
        self._blank_request = _blank_request(settings.base_url)
        self._clock = ExchangeClock()
        self._retries = Retries(settings.max_attempts, settings.backoff, lambda: deadline - time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._gate.close()
        self._transports.close()

    @property
    def clock_skew(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the exchange's; None before an answer with a Date."""
        return self._clock.skew

    @property
    def throttled(self) -> int:
        """How many requests of this process were answered 429."""
        return self._pacer.throttled

    @property
    def key_problems(self) -> list[str]:
        """What is wrong with the keys that were set aside, a line each."""
        return self._keys.problems

    def fetch_markets(self, page: int) -> UnreadPage:
        """A page of the activated markets, newest first: binary ones and categorical parents with their children.

        Its entries are not validated yet, because most of them say what they have said before.
        """
        parameters = {"page": page, "limit": PAGE_SIZE, "status": "activated", "marketType": 2, "sortBy": 1}
        markets = read_list(self._fetch(self._settings.markets_path, parameters).content)
        _check_first_page(page, len(markets.entries), markets.total)
        return markets

    def fetch_market(self, market_id: str, *, categorical: bool) -> Market:
        """The detail of a market or, `categorical`, of the topic of that number, in whatever state it is.

        Raises NoSuchMarket if the exchange says that there is none, or none any more.
        """
        kind = "/categorical" if categorical else ""
        return read_detail(self._fetch(f"{self._settings.market_details_path}{kind}/{market_id}", {}).content, Market)

    def fetch_trades(self, address: str, page: int, limit: int = PAGE_SIZE) -> Page[Trade]:
        """A page of at most `limit` of a wallet's trades, newest first. `total` counts all trades of its lifetime.

        Trades that may still be filled are left out; what was cancelled or failed is there.
        """
        return _trade_page(page, self._fetch(*self._trades_request(address, page, limit)))

    def fetch_newest_trades(self, address: str, known: bytes | None) -> Page[Trade] | None:
        """The first page of a wallet's trades; None if its answer has the digest `known`, and so says nothing new."""
        answer = self._fetch(*self._trades_request(address, 1), known or b"")
        return None if answer.digest == known else _trade_page(1, answer)

    def fetch_positions(self, address: str, page: int) -> Page[Position]:
        """A page of what a wallet holds, as the exchange lists and values it."""
        path = self._settings.positions_path.replace("{address}", address)
        return _page(page, self._fetch(path, {"page": page, "limit": PAGE_SIZE}), Position)

    def fetch_result(self, path: str, parameters: dict[str, Any]) -> Any:
        """The result in the answer to any other request, not validated yet."""
        return self._fetch(path, parameters).content

    def _trades_request(self, address: str, page: int, limit: int = PAGE_SIZE) -> tuple[str, dict[str, Any]]:
        return self._settings.trades_path.replace("{address}", address), {"page": page, "limit": limit}

    def _fetch(self, path: str, parameters: dict[str, Any], known: bytes | None = None) -> _Result:
        return self._retries.call(lambda: self._fetch_with_accepted_key(path, parameters, known))

    def _fetch_with_accepted_key(self, path: str, parameters: dict[str, Any], known: bytes | None) -> _Result:
        while True:
            try:
                return self._fetch_once(path, parameters, known)
            except KeyRefused as refusal:
                self._keys.set_aside(self._gate.key, refusal)

    def _fetch_once(self, path: str, parameters: dict[str, Any], known: bytes | None) -> _Result:
        """One try. Whatever goes wrong in it is one of our errors afterwards, with a key in none of them."""
        try:
            return self._ask(path, parameters, known)
        except OpinionscopeError as error:
            if isinstance(error, BadAnswer | ApiUnavailable):
                self._gate.hang_up()
            error.args = (self._keys.hide(str(error)),)
            raise
        except Exception as error:  # noqa: BLE001 - an answer may do anything, and it must stay this request's failure
            trace = self._keys.hide("".join(traceback.format_exception(error)))
            logger.debug("GET %s %s failed\n%s", path, parameters, trace)
            self._gate.hang_up()
            # Without what caused it, which may quote an answer with a key in it.
            raise (self._cut_off() or transport_failure(error)) from None

    def _ask(self, path: str, parameters: dict[str, Any], known: bytes | None) -> _Result:
        with self._gate.request():
            status, headers, body = self._get(path, parameters)
            sent_at, late = self._gate.sent_at, self._cut_off()
        if late:
            raise late
        took = time.monotonic() - sent_at
        logger.debug("GET %s %s: HTTP %d, %d bytes in %.3f s", path, parameters, status, len(body), took)
        dated, latest = self._time_of(headers.get("Date"))
        body = self._keys.hide_in(body)
        digest = b"" if known is None else blake2b(body, digest_size=16).digest()
        if known and digest == known and status == requests.codes.ok:
            self._throttling[self._gate.key].note_answer(self._subject_of(path, parameters))
            return _Result(None, digest, latest)
        try:
            result = _Result(_read(status, body), digest, latest)
        except ApiError as error:
            error.retry_after = retry_after_seconds(headers.get("Retry-After"), dated)
            if isinstance(error, Throttled):
                self._throttling[self._gate.key].take_in(error, self._subject_of(path, parameters), sent_at)
            raise
        self._throttling[self._gate.key].note_answer(self._subject_of(path, parameters))
        return result

    def _subject_of(self, path: str, parameters: dict[str, Any]) -> str:
        """What a 429 may be about: one wallet, or one page of the market list, whose pages are fetched side by side."""
        return f"{path} {parameters}" if path == self._settings.markets_path else path

    def _time_of(self, date_header: str | None) -> tuple[datetime, float]:
        """The time of an answer, by which its other headers are meant, and the latest time that it can be."""
        now = utc_now()
        dated = read_date(date_header)
        if dated is not None:
            self._clock.note(dated, now)
        return dated or now, self._clock.latest(dated or now, now)

    def _get(self, path: str, parameters: dict[str, Any]) -> tuple[int, Any, bytes]:
        request = copy(self._blank_request)
        request.url = address_of(str(self._blank_request.url), path, parameters)
        # Not by way of a session, which reads any redirect to its end to find out where it leads.
        response = self._transports.of_this_thread().send(request, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True)
        with response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise BadAnswer(f"the answer is larger than {LARGEST_ANSWER // 1024 // 1024} MiB")
        is_announced = any(name in response.headers for name in ("Content-Length", "Transfer-Encoding"))
        if not (body or is_announced or response.status_code in _WITHOUT_CONTENT):
            raise ApiUnavailable("the connection broke before the answer")
        return response.status_code, response.headers, bytes(body)

    def _cut_off(self) -> ApiUnavailable | None:
        return ApiUnavailable("the answer took too long and was cut off") if self._gate.has_cut_off else None


def _page(number: int, answer: _Result, model: type[Item]) -> Page[Item]:
    """The page in the answer. A first page without entries, of a list that has some, is not a valid page."""
    page = read_page(answer.content, model, answer.digest)
    _check_first_page(number, page.length, page.total)
    return page


def _check_first_page(number: int, length: int, total: int | None) -> None:
    if number == 1 and not length and total:
        raise BadAnswer(f"the list is empty and has a total of {total}")


def _trade_page(number: int, answer: _Result) -> Page[Trade]:
    """A page of trades that have happened: none that is still pending, none from the future."""
    page = without_future(_page(number, answer, Trade), answer.latest)
    if any(trade.is_pending for trade in page.items):
        return replace(page, items=[trade for trade in page.items if not trade.is_pending])
    return page


def _blank_request(base_url: str) -> requests.PreparedRequest:
    """What every request has in common, which is most of what preparing one costs.

    Prepared without a session, no .netrc, proxy variable or cookie can bend it.
    """
    own = {"User-Agent": f"opinionscope/{__version__}", "Accept": "application/json"}
    return requests.Request("GET", base_url, {**requests.utils.default_headers(), **own}).prepare()


def _read(status: int, body: bytes) -> Any:
    """The result in an answer of this HTTP status. Raises the ApiError that the status or the envelope stands for."""
    if status == requests.codes.ok:
        return read_result(body)
    raise failure_of_status(status, _failure_in(body))


def _failure_in(body: bytes) -> ApiError | None:
    """What the envelope of an answer says went wrong, if it says anything."""
    try:
        read_result(body)
    except ApiError as error:
        return error
    return None
