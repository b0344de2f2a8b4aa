"""Job `stats`: publish each wallet's figures from the totals that were kept while its trades were stored."""

from datetime import datetime

from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run
from opinionscope.store.database import Store
from opinionscope.store.whale_figures import publish_figures


def work(run: Run) -> JobResult:
    """A run of the job."""
    return compute_stats(run.store, now=run.now)


def compute_stats(store: Store, *, now: datetime) -> JobResult:
    """Recompute the figures of all wallets, removed ones included; counts the wallets."""
    whales = publish_figures(store, now)
    return JobResult(item_count=whales, done_count=whales)
