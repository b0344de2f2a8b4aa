"""Job `sync positions`: what the exchange says the tracked wallets hold, for the marks and to check our own sums."""

from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run
from opinionscope.shards import shard_of_this_installation
from opinionscope.store.shards import take_shard
from opinionscope.store.whales import has_whales


def work(run: Run) -> JobResult:
    """A run of the job."""
    take_shard(run.store, shard_of_this_installation(), run.now)
    if not has_whales(run.store):
        return run.result
    # Only now, so that an idle run does not load the HTTP client.
    from opinionscope.jobs.connection import connected
    from opinionscope.jobs.positions.sync import WORKERS, sync_positions
    from opinionscope.jobs.workers import workers_for
    from opinionscope.polling.limits import Limits

    workers = workers_for(len(run.settings.api_keys), WORKERS)
    with connected(run) as (client, deadline):
        return sync_positions(
            client,
            run.store,
            now=run.now,
            deadline=deadline,
            limits=Limits.of(run.settings),
            workers=workers,
            progress=run.progress,
            result=run.result,
        )
