"""Job `sync whales`: poll the tracked wallets, store their new trades, and tell what the rules make of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from opinionscope.errors import Interrupted, OpinionscopeError
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run
from opinionscope.shards import shard_of_this_installation
from opinionscope.store.anything_to_tell import has_enabled_rules, may_have_to_tell
from opinionscope.store.shards import take_shard
from opinionscope.store.whales import has_whales
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.jobs.whales.history import WatchTrades
    from opinionscope.signals.watch import Watch
    from opinionscope.store.database import Transaction
    from opinionscope.store.whale_activity import NewTrade


def work(run: Run, addresses: Sequence[str] = ()) -> JobResult:
    """A run of the job, for all wallets tracked here or only for those of `addresses`."""
    try:
        take_shard(run.store, shard_of_this_installation(), run.now)
        result = _sync(run, addresses) if has_whales(run.store) else run.result
    except Interrupted:
        raise
    except BaseException:
        # What made the run fail is what counts.
        with suppress(OpinionscopeError):
            _tell(run)
        raise
    _tell(run)
    return result


def _sync(run: Run, addresses: Sequence[str]) -> JobResult:
    # Only now, so that an idle minute does not load the HTTP client.
    from opinionscope.jobs.connection import connected
    from opinionscope.jobs.whales.sync import sync_whales
    from opinionscope.jobs.whales.turns import WORKERS
    from opinionscope.jobs.workers import workers_for
    from opinionscope.polling.limits import Limits

    workers = workers_for(len(run.settings.api_keys), WORKERS)
    with connected(run) as (client, deadline):
        return sync_whales(
            client,
            run.store,
            now=run.now,
            retention=run.settings.retention,
            deadline=deadline,
            limits=Limits.of(run.settings),
            addresses=addresses,
            workers=workers,
            progress=run.progress,
            result=run.result,
            watch=watch_trades(run),
        )


def watch_trades(run: Run) -> "WatchTrades":
    """What looks at the new trades. Nothing of it is loaded before there are any, and a rule that is enabled."""
    watches: list[Watch] = []

    def saw(transaction: "Transaction", address: str, trades: "Sequence[NewTrade]") -> Mapping[str, Exception]:
        if not has_enabled_rules(run.store):
            return {}
        from opinionscope.signals.live import begin_watch

        # No other thread comes here meanwhile: it would need the transaction.
        if not (watches and watches[0].is_current(transaction)):
            watches[:] = [begin_watch(run.store, transaction, run.now)]
        return watches[0].saw(transaction, address, trades)

    return saw


def _tell(run: Run) -> None:
    """Tell what is pending, of this run or an earlier one."""
    if may_have_to_tell(run.store):
        from opinionscope.signals.live import tell

        tell(run.store, utc_now)
