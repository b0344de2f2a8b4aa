"""The connection of a sync job to the exchange: a client on the shared rate limit, and its counts in the log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.run import Run
from opinionscope.locks import PACER, beside
from opinionscope.store.clock import ExchangeTime
from opinionscope.store.request_minutes import record_requests
from opinionscope.times import utc_now

_LARGEST_SKEW = timedelta(days=36_500).total_seconds()


@contextmanager
def connected(run: Run) -> Iterator[tuple[OpinionClient, float]]:
    """A client for the run, and the deadline (monotonic seconds) after which it starts no request."""
    deadline = time.monotonic() + run.settings.run_budget
    pacer = Pacer(beside(run.store.path, PACER), run.settings.rate_limit, run.settings.key_digests)
    run.count_requests = lambda: (pacer.requests, pacer.throttled)
    clock: ExchangeTime | None = None
    try:
        with OpinionClient(run.settings, pacer, deadline=deadline) as client:
            try:
                yield client, deadline
            finally:
                clock = _exchange_clock(client)
                run.result.warn(f"{problem}; the other keys are used" for problem in client.key_problems)
    finally:
        # The pacer stays open: a worker that was left behind may still take its turn.
        record_requests(run.store, pacer.minutes(), clock)


def _exchange_clock(client: OpinionClient) -> ExchangeTime | None:
    """The exchange's time, if it has answered with one: it bears our clock out when something is to be deleted."""
    skew = client.clock_skew
    if skew is None or abs(skew) > _LARGEST_SKEW:
        return None
    now = utc_now()
    return ExchangeTime(now - timedelta(seconds=skew), now)
