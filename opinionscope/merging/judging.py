"""Having the rules look at what merges have brought, once all sources have been brought.

A consensus, or a rule about markets, depends on what other sources say. What is news is noted when it is brought, so
the next merge judges what a merge that was killed did not come to; none is judged twice.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from opinionscope.store.database import Store, Transaction, savepoint
from opinionscope.store.failures import primary_code
from opinionscope.store.merged_news import find_news, find_wallets_with_news, forget_news, has_news
from opinionscope.store.whale_activity import NewTrade

if TYPE_CHECKING:
    from opinionscope.signals.watch import Watch

WALLETS_AT_ONCE = 500

logger = logging.getLogger(__name__)


def judge_news(store: Store, now: datetime) -> list[str]:
    """Raise the signals that the news makes; what is wrong with the rules. Raises StoreError."""
    faults = dict[str, None]()
    watch: Watch | None = None
    while has_news(store):
        # Only now, so that a merge without news is quick.
        from opinionscope.signals.live import begin_watch

        with store.transaction() as transaction:
            if watch is None or not watch.is_current(transaction):
                watch = begin_watch(store, transaction, now)
            wallets = find_wallets_with_news(transaction, WALLETS_AT_ONCE)
            for address, trades in find_news(transaction, wallets):
                for what, fault in _judge(watch, transaction, address, trades).items():
                    faults[f"{what} could not be applied: unexpected {type(fault).__name__}: {fault}"] = None
            forget_news(transaction, wallets)
    return list(faults)


def _judge(
    watch: "Watch", transaction: Transaction, address: str, trades: Sequence[NewTrade]
) -> Mapping[str, Exception]:
    """Judge a wallet's news; what could not be applied to it. That must not keep others from being judged."""
    try:
        with savepoint(transaction):
            return {f"rule {rule}": fault for rule, fault in watch.saw(transaction, address, trades).items()}
    except Exception as error:
        if primary_code(error):
            raise
        logger.debug("the rules failed for %s", address, exc_info=True)
        return {"the rules": error}
