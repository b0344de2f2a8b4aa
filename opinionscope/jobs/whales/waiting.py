"""The tracked wallets as candidates for a poll, with how much each needs one."""

from collections.abc import Sequence
from datetime import datetime

from opinionscope.polling.need import need_of
from opinionscope.polling.order import Candidate
from opinionscope.polling.trade_rate import TradeRate
from opinionscope.store.database import Store
from opinionscope.store.polls import find_polling_states


def find_waiting(store: Store, now: datetime, addresses: Sequence[str] = ()) -> list[Candidate]:
    """The tracked wallets, or those of `addresses`."""
    seconds = now.timestamp()
    return [
        Candidate(
            id=state.id,
            address=state.address,
            waited=state.waited,
            is_new=state.is_new,
            need=need_of(TradeRate(*state.rate), seconds, state.exposure, named_by_rule=state.is_named_by_a_rule),
            is_read_deeper=state.is_read_deeper,
        )
        for state in find_polling_states(store, now, addresses)
    ]
