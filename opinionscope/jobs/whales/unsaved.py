"""What the pages of one transaction leave to be saved at its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opinionscope.api.models import LAST_SECOND
from opinionscope.jobs.whales.sums import Sums
from opinionscope.store.database import Transaction
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.store.whale_progress import Wallet
from opinionscope.times import from_unix


@dataclass
class Unsaved:
    """The new trades of a wallet's pages, read from the newest down, and what changes in its sums.

    The trades go into the database oldest first. It matters: an index whose entries come newest first stays half empty.
    """

    transaction: Transaction
    wallet: Wallet
    now: datetime
    sums: Sums = field(default_factory=Sums)
    _trades: list[NewTrade] = field(default_factory=list)

    def add(self, trades: Sequence[NewTrade]) -> None:
        """The new trades of a page, oldest first."""
        self._trades = [*trades, *self._trades]

    def save_trades(self, until: int = LAST_SECOND) -> None:
        """Store the trades up to that unix second, so that they are found when known trades are looked up."""
        last = from_unix(until)
        due = [trade for trade in self._trades if trade.timestamp <= last]
        self._trades = [trade for trade in self._trades if trade.timestamp > last]
        insert_trades(self.transaction, self.wallet.address, due, self.now)

    def save(self, hours_from: datetime) -> None:
        """Save all, of the traded hours those since `hours_from`."""
        self.save_trades()
        self.sums.save(self.transaction, self.wallet.id, self.wallet.address, hours_from)
