"""The record of every request that arrived."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from urllib.parse import parse_qsl

from opinionscope.simulator.rate_window import RateWindow, worst_window

KEPT = 200_000


@dataclass(slots=True)
class Request:
    """One arrival. `at` is monotonic seconds; `status` is 0 until, or unless, it is answered.

    `key` is the API key that it came with, empty as long as its headers have not been read.
    """

    at: float
    method: str
    target: str
    status: int = 0
    key: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


class RequestLog:
    """Stamps arrivals, judges them against the rate limit of their keys and keeps the last 200,000."""

    def __init__(self, monotonic: Callable[[], float], *, keep: bool = True) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._windows: defaultdict[str, RateWindow] = defaultdict(RateWindow)
        self._requests: deque[Request] = deque(maxlen=KEPT if keep else 0)

    def arrive(self, method: str, target: str) -> Request:
        """Record a request now."""
        with self._lock:  # stamped under the lock: the record is in the order of its times
            request = Request(self._monotonic(), method, target)
            self._requests.append(request)
            return request

    def accept(self, request: Request, key: str, rate_limit: int | None) -> bool:
        """Whether the request was within the rate limit of its key when it arrived."""
        with self._lock:
            request.key = key
            return self._windows[key].accept(request.at, rate_limit)

    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def by_status(self) -> dict[int, int]:
        return dict(Counter(request.status for request in self.requests()))

    def worst_window(self, seconds: float) -> int:
        return worst_window([request.at for request in self.requests()], seconds)

    def worst_windows(self, seconds: float) -> dict[str, int]:
        """The same for the requests of each key."""
        arrivals = defaultdict[str, list[float]](list)
        for request in self.requests():
            arrivals[request.key].append(request.at)
        return {key: worst_window(moments, seconds) for key, moments in arrivals.items()}

    def forget(self) -> None:
        """Empty the record; the rate limit still counts what it has accepted."""
        with self._lock:
            self._requests.clear()
