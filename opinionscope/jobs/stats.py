"""Job `stats`: publish each whale's figures from the totals that were kept while its trades were stored."""

from datetime import datetime

from opinionscope.jobs.result import JobResult
from opinionscope.store.database import Store
from opinionscope.store.figures import publish_figures


def compute_stats(store: Store, *, now: datetime) -> JobResult:
    """Recompute the figures of all whales, removed ones included; the count of whales."""
    whales = publish_figures(store, now)
    return JobResult(item_count=whales, done_count=whales)
