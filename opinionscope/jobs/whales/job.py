"""Job `sync whales`: poll the tracked wallets and store their new trades."""

from collections.abc import Sequence

from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run
from opinionscope.store.whales import has_whales


def work(run: Run, addresses: Sequence[str] = ()) -> JobResult:
    """A run of the job, for all tracked wallets or only for those of `addresses`."""
    if not has_whales(run.store):
        return run.result
    # Only now, so that an idle minute does not load the HTTP client.
    from opinionscope.jobs.connection import connected
    from opinionscope.jobs.whales.sync import sync_whales
    from opinionscope.jobs.whales.turns import WORKERS
    from opinionscope.polling.limits import Limits

    with connected(run, WORKERS) as (client, deadline):
        return sync_whales(
            client,
            run.store,
            now=run.now,
            retention=run.settings.retention,
            deadline=deadline,
            limits=Limits.of(run.settings),
            addresses=addresses,
            progress=run.progress,
            result=run.result,
        )
