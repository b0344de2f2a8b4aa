"""Store what the exchange lists of a wallet, and whether it agrees with the sums of its trades."""

from datetime import datetime, timedelta

from opinionscope.jobs.failures import describe_all
from opinionscope.jobs.positions.compare import Comparison
from opinionscope.jobs.positions.listing import PositionList
from opinionscope.store.database import Store
from opinionscope.store.position_checks import (
    WalletToCheck,
    find_known_positions,
    has_unsummed_trades,
    record_check,
    save_checked_positions,
)
from opinionscope.store.whales import find_whale

_LATEST_POLL = timedelta(minutes=15)
MOVED = "the list of positions changed while it was read: what is missing from it was not judged"


def save_list(store: Store, wallet: WalletToCheck, listed: PositionList, now: datetime) -> None:
    """Compare and store, in one transaction, so that no trade is summed in between."""
    with store.transaction() as transaction:
        known = {position.key: position for position in find_known_positions(store, wallet.address)}
        comparison = Comparison(now, _is_complete(store, wallet, now))
        save_checked_positions(transaction, wallet.address, comparison.compare(known, listed), now)
        problems = [*listed.problems, *([MOVED] if listed.has_moved else [])]
        record_check(transaction, wallet.id, now, describe_all(problems))


def _is_complete(store: Store, wallet: WalletToCheck, now: datetime) -> bool:
    """Whether all trades of the wallet, up to a moment ago, are in its sums."""
    whale = find_whale(store, wallet.address)
    if whale is None or whale.last_synced_at is None or whale.last_synced_at < now - _LATEST_POLL:
        return False
    return whale.completeness.word == "complete" and not has_unsummed_trades(store, wallet.id)
