"""Second and third tries of a request that failed in passing. The only module that knows the `backoff` package.

It is loaded at the first failure, since it brings asyncio with it and most runs have none.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from opinionscope.errors import ApiError, ApiUnavailable, Throttled

LONGEST_WAIT = 10.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Retries:
    """Up to `attempts` tries of a request: again after a time-out, a broken connection, a 5xx or a 429.

    Waits double from `first_wait` seconds up to `LONGEST_WAIT`, or are as long as the exchange asks for, each
    lengthened by chance by up to a half so that clients do not return in step. After a 429 the pacer makes everyone
    wait, so this adds nothing to it. No retry begins that would have to wait for longer than `seconds_left()`.
    """

    attempts: int
    first_wait: float
    seconds_left: Callable[[], float]

    def call(self, fetch: Callable[[], Answer]) -> Answer:
        """What `fetch` returns. Raises what its last try raised."""
        try:
            return fetch()
        except (ApiUnavailable, Throttled) as failure:
            return self._call_again(fetch, failure)

    def _call_again(self, fetch: Callable[[], Answer], failure: ApiError) -> Answer:
        try:
            from backoff import on_exception
        except (OSError, ImportError):
            raise failure from None  # no file can be opened any more, so there is no second try either

        failures = [failure]

        def first_fail_then_fetch() -> Answer:
            # The first try has been made: backoff is told of its failure as if it had made it.
            if failures:
                raise failures.pop()
            return fetch()

        retrying = on_exception(
            _waits,
            (ApiUnavailable, Throttled),
            max_tries=self.attempts,
            max_time=self.seconds_left,
            giveup=lambda failure: (getattr(failure, "retry_after", None) or 0.0) > self.seconds_left(),
            jitter=lambda seconds: seconds * random.uniform(1.0, 1.5),
            logger=None,
            first_wait=self.first_wait,
        )
        return retrying(first_fail_then_fetch)()


def _waits(first_wait: float) -> Generator[float, Any, None]:
    """Seconds to wait after each failure; what failed is sent in, as backoff does it."""
    failure = yield 0.0
    wait = first_wait
    while True:
        if isinstance(failure, Throttled):
            failure = yield 0.0
        else:
            failure = yield max(min(wait, LONGEST_WAIT), failure.retry_after or 0.0)
            wait *= 2
