"""Second and third tries of a request that failed in passing. The only module that knows the `backoff` package."""

import random
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import backoff

from opinionscope.errors import ApiUnavailable, Throttled

LONGEST_WAIT = 10.0

Answer = TypeVar("Answer")


def with_retries(
    fetch: Callable[..., Answer], *, attempts: int, first_wait: float, seconds_left: Callable[[], float]
) -> Callable[..., Answer]:
    """`fetch`, tried up to `attempts` times on a time-out, a broken connection, a 5xx or a 429.

    Waits double from `first_wait` seconds up to `LONGEST_WAIT`, or are as long as the exchange asks for, each
    lengthened by chance by up to a half so that clients do not return in step. After a 429 the pacer makes everyone
    wait, so this adds nothing to it. No retry begins that would have to wait for longer than `seconds_left()`.
    """

    def too_long(failure: Any) -> bool:
        return (failure.retry_after or 0.0) > seconds_left()

    retrying = backoff.on_exception(
        _waits,
        (ApiUnavailable, Throttled),
        max_tries=attempts,
        max_time=seconds_left,
        giveup=too_long,
        jitter=lambda seconds: seconds * random.uniform(1.0, 1.5),
        logger=None,
        first_wait=first_wait,
    )
    return retrying(fetch)


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
