"""What both sync jobs need around them: a client on the shared rate limit, and its counts in the log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.runner import Run
from opinionscope.locks import beside
from opinionscope.settings import Settings
from opinionscope.store.sync_logs import record_requests


@contextmanager
def connected(run: Run, settings: Settings, connections: int) -> Iterator[tuple[OpinionClient, float]]:
    """A client for the run and the deadline (monotonic seconds) after which it begins no request."""
    deadline = time.monotonic() + settings.run_budget
    pacer = Pacer(beside(run.store.path, "pacer"), settings.rate_limit)
    run.count_requests = lambda: (pacer.requests, pacer.throttled)
    try:
        with OpinionClient(settings, pacer, connections=connections, deadline=deadline) as client:
            yield client, deadline
    finally:
        # The pacer stays open: a worker that is left behind may still take its turn.
        record_requests(run.store, pacer.minutes())
