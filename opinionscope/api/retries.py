"""Second and third tries of a request that failed for a passing reason. Only this module knows the `backoff` package.

`backoff` is loaded at the first failure, because it imports asyncio and most runs have no failure.
"""

import logging
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from opinionscope.errors import TransientApiError

LONGEST_WAIT = 10.0

Fetched = TypeVar("Fetched")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retries:
    """Up to `attempts` tries of a request that fails with a `TransientApiError`.

    Waits double from `first_wait` seconds up to `LONGEST_WAIT`, or are as long as the exchange asks for. Each is
    lengthened at random by up to a half, so that clients do not come back in step. Where the pacer already makes
    everyone wait, nothing is added. No retry starts that would have to wait for longer than `seconds_left()`.
    """

    attempts: int
    first_wait: float
    seconds_left: Callable[[], float]

    def call(self, fetch: Callable[[], Fetched]) -> Fetched:
        """What `fetch` returns. Raises what its last try raised."""
        try:
            return fetch()
        except TransientApiError as failure:
            return self._call_again(fetch, failure)

    def _call_again(self, fetch: Callable[[], Fetched], failure: TransientApiError) -> Fetched:
        try:
            from backoff import on_exception
        except (OSError, ImportError):
            raise failure from None  # too many open files: a second try would fail as well

        failures = [failure]

        def first_fail_then_fetch() -> Fetched:
            # The first try has already been made; backoff is told of its failure as if it had made it.
            if failures:
                raise failures.pop()
            return fetch()

        retrying = on_exception(
            _waits,
            TransientApiError,
            max_tries=self.attempts,
            max_time=self.seconds_left,
            giveup=self._would_be_too_late,
            jitter=lambda seconds: seconds * random.uniform(1.0, 1.5),
            on_backoff=_log_wait,
            logger=None,
            first_wait=self.first_wait,
        )
        return retrying(first_fail_then_fetch)()

    def _would_be_too_late(self, failure: Any) -> bool:
        """Whether the exchange asks for a longer wait than there is time. Where the pacer waits, it knows better."""
        return not failure.is_paced and (failure.retry_after or 0.0) > self.seconds_left()


def _waits(first_wait: float) -> Generator[float, Any, None]:
    """Seconds to wait after each failure; backoff sends in what failed."""
    failure = yield 0.0
    wait = first_wait
    while True:
        if failure.is_paced:
            failure = yield 0.0
        else:
            failure = yield max(min(wait, LONGEST_WAIT), failure.retry_after or 0.0)
            wait *= 2


def _log_wait(details: Any) -> None:
    logger.debug("try %d failed (%s); next in %.1f s", details["tries"], details["exception"], details["wait"])
