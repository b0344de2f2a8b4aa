"""May this machine's clock decide what is deleted for good?

A purge takes the trades that are older than the retention, and a clock that is far ahead makes all of them old. So the
clock is believed only as far as something other than the clock bears it out:

* The exchange's own `Date`, which the sync jobs keep with each run. A clock that is at most `FAR` past it is right, but
  for what it was ahead of the exchange at that answer, which is taken off.
* Without a recent answer, such as after weeks without a network: the runs in the log. Cron starts one every minute,
  whether it reaches the exchange or not, so a clock that only moves on leaves no gap longer than `FAR` since the last
  answer. One that has jumped does, and so does a machine that was off: then the next answer decides.
* In a database that the exchange has not answered yet, the newest stored trade stands for its answer; and if there is
  none, the newest run.
"""

from datetime import datetime

from opinionscope.errors import OpinionscopeError
from opinionscope.store.clock import (
    RECENT,
    find_exchange_time,
    less_what_it_is_ahead,
    longest_gap,
    newest_run_before,
    newest_trade_before,
)
from opinionscope.store.database import Store

FAR = RECENT


class ClockDoubted(OpinionscopeError):
    """Nothing bears out what this machine's clock says."""


def proven_now(store: Store, now: datetime) -> datetime:
    """The time to purge by: `now`, less what the clock is ahead of the exchange's. Raises ClockDoubted."""
    clock = find_exchange_time(store)
    if clock is None:
        return _proven_by_what_is_stored(store, now)
    if now - clock.exchange_at <= FAR:
        return less_what_it_is_ahead(now, clock)
    is_still_ahead = clock.ahead > FAR and now >= clock.machine_at
    if is_still_ahead or longest_gap(store, clock.exchange_at, now) > FAR:
        raise _doubt(now, "the exchange last answered", clock.exchange_at)
    return now


def _proven_by_what_is_stored(store: Store, now: datetime) -> datetime:
    trade = newest_trade_before(store, now)
    if trade is not None:
        if longest_gap(store, trade, now) > FAR:
            raise _doubt(now, "the newest stored trade is", trade)
        return now
    run = newest_run_before(store, now)
    if run is not None and now - run > FAR:
        raise _doubt(now, "the newest run in the log began", run)
    return now


def _doubt(now: datetime, evidence: str, moment: datetime) -> ClockDoubted:
    return ClockDoubted(
        f"nothing was deleted: this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but {evidence} "
        f"{moment:%Y-%m-%d %H:%M} UTC. Set the clock; if it is right, run `opinionscope sync markets`, which asks the "
        "exchange for the time"
    )
