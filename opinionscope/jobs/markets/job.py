"""Job `sync markets`: store every activated market, and look up those that are no longer listed or never were."""

from opinionscope.jobs.connection import connected
from opinionscope.jobs.markets.sync import sync_markets
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run


def work(run: Run) -> JobResult:
    """A run of the job."""
    with connected(run) as (client, deadline):
        return sync_markets(client, run.store, now=run.now, deadline=deadline, progress=run.progress, result=run.result)
