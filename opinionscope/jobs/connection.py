"""The connection of a sync job to the exchange: a client on the shared rate limit, and its counts in the log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.run import Run
from opinionscope.locks import PACER, beside
from opinionscope.store.request_minutes import record_requests


@contextmanager
def connected(run: Run, connections: int) -> Iterator[tuple[OpinionClient, float]]:
    """A client for the run, and the deadline (monotonic seconds) after which it starts no request."""
    deadline = time.monotonic() + run.settings.run_budget
    pacer = Pacer(beside(run.store.path, PACER), run.settings.rate_limit)
    run.count_requests = lambda: (pacer.requests, pacer.throttled)
    try:
        with OpinionClient(run.settings, pacer, connections=connections, deadline=deadline) as client:
            yield client, deadline
    finally:
        # The pacer stays open: a worker that was left behind may still take its turn.
        record_requests(run.store, pacer.minutes())
