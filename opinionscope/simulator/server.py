"""The exchange as an HTTP server on this machine."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Self
from urllib.parse import parse_qsl

from opinionscope.api_keys import split_keys
from opinionscope.simulator.control import PREFIX, answer_control
from opinionscope.simulator.endpoints import Call, answer_call
from opinionscope.simulator.faults import FaultBox
from opinionscope.simulator.request_log import Request, RequestLog
from opinionscope.simulator.response import Envelope, Response, failure
from opinionscope.simulator.spoil import Spoil
from opinionscope.simulator.state import Exchange
from opinionscope.simulator.wire import Incoming, ListeningSocket

STOLEN = "/stolen"
_BAIT = b'{"errno":0,"errmsg":"","result":{"list":null,"total":0}}'


class ExchangeServer:
    """Serves an `Exchange` over HTTP; a context manager.

    `rate_limit` is the number of requests with one key accepted in any second (None: no limit); `limits` has
    that of keys with another one. Both can be changed while it serves. Over it the answer is 429 with
    `retry_after` as its header (None: no header). `latency` is in seconds, or a function that gives them, half
    of it before the answer is computed and half after. With `api_key`, or several separated by commas, a
    request with another one is refused as upstream does. `hide_arrivals` keeps no record of
    requests, for a long run. Restarted, it takes the same port again.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rate_limit: int | None = 15,
        latency: float | Callable[[], float] = 0.0,
        api_key: str | None = None,
        retry_after: str | None = "1",
        hide_arrivals: bool = False,
        envelope: Envelope = "live",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.exchange = exchange
        self.rate_limit = rate_limit
        self.limits: dict[str, int | None] = {}
        self.latency = latency
        self.api_key = api_key
        self.retry_after = retry_after
        self.envelope: Envelope = envelope
        self.faults = FaultBox()
        self._host = host
        self._port = port
        self._log = RequestLog(monotonic, keep=not hide_arrivals)
        self._listener: ListeningSocket | None = None
        self._thread: Thread | None = None

    def start(self) -> Self:
        """Begin to serve, in a thread; a second call does nothing. Raises OSError when the port is taken."""
        if self._listener is not None:
            return self
        listener = ListeningSocket((self._host, self._port), self)
        self._port = listener.server_port = int(listener.server_address[1])
        self._listener = listener
        self._thread = Thread(target=listener.serve_forever, args=(0.02,), name="exchange", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Drop every connection and free the port; a second call does nothing."""
        if self._listener is None or self._thread is None:
            return
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.drop_connections()
        self._thread.join()
        self._listener = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The API's base URL; known once the server has been started."""
        return f"http://{self._host}:{self._port}/openapi"

    @property
    def leaderboard_url(self) -> str:
        """The address of the leaderboard, which is not part of the API. Known once the server has started."""
        return f"http://{self._host}:{self._port}/api/bsc/api/v2/leaderboard"

    @property
    def requests(self) -> list[Request]:
        """Every arrival, oldest first; the last 200,000."""
        return self._log.requests()

    def worst_window(self, seconds: float = 1.0) -> int:
        """The largest number of arrivals in any window of that length."""
        return self._log.worst_window(seconds)

    def worst_windows(self, seconds: float = 1.0) -> dict[str, int]:
        """The same for each API key."""
        return self._log.worst_windows(seconds)

    def count(self, status: int) -> int:
        """How many recorded requests were answered with a status; 0: not answered."""
        return self._log.by_status().get(status, 0)

    def forget(self) -> None:
        """Empty the record of arrivals."""
        self._log.forget()

    def now(self) -> float:
        """The exchange's time, in unix seconds."""
        return self.exchange.clock()

    def arrive(self, method: str, target: str) -> Request | None:
        """Record a request; one to the control surface is not counted."""
        return None if target.startswith(PREFIX) else self._log.arrive(method, target)

    def answer(self, incoming: Incoming) -> Response:
        """The answer to a request, spoiled if a fault strikes; its status goes into the record."""
        if incoming.arrival is None:
            return answer_control(incoming.method, incoming.target, incoming.body, self.faults, self._log)
        request, key = incoming.arrival, incoming.headers.get("apikey", "")
        within_limit = self._log.accept(request, key, self.limits.get(key, self.rate_limit))
        pause = self._half_latency()
        answer = self._judge(incoming, request) if within_limit else self._too_many()
        if pause > 0:
            time.sleep(pause)
        request.status = answer.status
        return answer

    def _half_latency(self) -> float:
        """Sleep half the latency; returns the other half."""
        latency = self.latency() if callable(self.latency) else self.latency
        if latency > 0:
            time.sleep(latency / 2)
        return latency / 2

    def _too_many(self) -> Response:
        headers = () if self.retry_after is None else (("Retry-After", self.retry_after),)
        return failure(429, "too many requests", self.envelope, status=429, headers=headers)

    def _judge(self, incoming: Incoming, request: Request) -> Response:
        if request.path == STOLEN:
            return Response(200, _BAIT)
        if self.api_key is not None and incoming.headers.get("apikey") not in split_keys(self.api_key):
            return failure(11002, "invalid API key", self.envelope)
        if incoming.method != "GET":
            return failure(405, "method not allowed", self.envelope, status=405)
        return self._honest_or_spoiled(request.target, incoming.headers.get("apikey", ""))

    def _honest_or_spoiled(self, target: str, key: str) -> Response:
        path, _, query_text = target.partition("?")
        query: Mapping[str, str] = dict(parse_qsl(query_text, keep_blank_values=True))
        call = Call(self.exchange, path, query, self.envelope)
        answer, strike = answer_call(call), self.faults.strike(target)
        if strike is None:
            return answer
        return strike.spoil(
            Spoil(
                answer=answer,
                replay=partial(_replay, call),
                page=int(query["page"]) if query.get("page", "").isdecimal() else 1,
                envelope=self.envelope,
                now=self.now(),
                port=self._port,
                key=key,
                nth=strike.nth,
                random=strike.random,
            )
        )


def _replay(call: Call, page: int, limit: int | None = None) -> Response:
    """The honest answer to the same call for another page, also one that is longer than the API allows."""
    changed = {"page": str(page)} | ({} if limit is None else {"limit": str(limit)})
    return answer_call(replace(call, query={**call.query, **changed}, longest_page=limit or call.longest_page))
