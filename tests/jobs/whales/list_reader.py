"""One wallet read with the product's own History and database, run by run, and what it then holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opinionscope.api.models import Trade
from opinionscope.errors import ApiUnavailable
from opinionscope.jobs.whales.history import History
from opinionscope.jobs.whales.trade_key import trade_key
from opinionscope.jobs.whales.turns import PAGES_A_TURN
from opinionscope.store.database import Store, Transaction
from opinionscope.store.whale_activity import purge_trades
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales
from opinionscope.times import from_text, from_unix
from tests.old_release import downgrade
from tests.true_positions import SELECT, Fill, assert_positions, sides_of

from .list_model import FIRST_SECOND, Died, Identity, ListModel, OutOfBudget, Purge, identities, identity

ADDRESS = "0x" + "a" * 40
NEXT_DAY = datetime.fromtimestamp(FIRST_SECOND + 86_400, UTC)
NO_HORIZON = datetime.fromtimestamp(0, UTC)
Record = tuple[object, ...]


class MortalStore(Store):
    """A database whose process dies, if told so, when a transaction is about to be committed."""

    transactions_to_live = 10**9

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as transaction:
            yield transaction
            self.transactions_to_live -= 1
            if self.transactions_to_live < 0:
                raise Died


@cache
def empty_database() -> bytes:
    """A database file with the one wallet, made once and copied for each example."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        with Store.open(path) as store:
            add_whales(store, [(ADDRESS, None)], "manual", NEXT_DAY)
            store.pragma("journal_mode = DELETE")
        return path.read_bytes()


@dataclass
class Reader:
    """Runs over one model and one database file."""

    model: ListModel
    folder: Path
    now: datetime = NEXT_DAY
    horizon: datetime = NO_HORIZON
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.folder / "whales.db"
        self.path.write_bytes(empty_database())
        self.model.purge = self.purge

    @contextmanager
    def store(self, transactions_to_live: int = 10**9) -> Iterator[Store]:
        with MortalStore.open(self.path) as store:
            store.pragma("synchronous = OFF")
            store.transactions_to_live = transactions_to_live
            yield store

    def run(self, requests: int = 10**9, transactions: int = 10**9) -> int:
        """One run, a minute after the last, as the job does it; how many requests it made."""
        self.now += timedelta(minutes=1)
        self.model.budget, before = requests, self.model.fetches
        with self.store(transactions) as store, suppress(Died, OutOfBudget, ApiUnavailable):
            (wallet,) = find_wallets(store)
            history = History(store, wallet, self.model.fetch_newest, self.model.fetch, self.now, lambda: self.horizon)
            history.poll()
            while history.unfinished:
                history.deepen(PAGES_A_TURN)
        return self.model.fetches - before

    def look_at_young_trades_again(self) -> None:
        """The two runs, five minutes and more after the trading, that look at its trades once more."""
        for _ in range(2):
            self.now += timedelta(minutes=5)
            self.run()

    def known(self) -> int:
        """How many trades are stored or counted."""
        with self.store() as store:
            return int(store.value("SELECT known_trades FROM whales"))

    def purge(self, purge: Purge) -> None:
        """Clean up; from then on new trades of that age are only counted."""
        newest = self.model.entries[0].created_at if self.model.entries else FIRST_SECOND
        self.horizon = max(self.horizon, datetime.fromtimestamp(newest - purge.age, UTC))
        with self.store() as store:
            while purge_trades(store, self.horizon, purge.batch):
                pass

    def go_back_a_release(self, version: int) -> None:
        """The database as the release of that schema version would have left it."""
        downgrade(self.path, version)

    def unsummed(self) -> int:
        """How many trades are in no position yet."""
        with self.store() as store:
            return int(store.value("SELECT unsummed FROM whales"))

    def check(self, *, exact: bool) -> None:
        """Nothing is doubled; with `exact`, nothing is missing either, and the totals are those of the truth.

        Whatever is known, the positions are the sums of it.
        """
        with self.store() as store:
            stored = Counter[Record](tuple(row) for row in store.query(_STORED))
            counted = self._counted(store)
            (whale,) = store.query("SELECT * FROM whales")
            positions = [tuple(row) for row in store.query(SELECT, (ADDRESS,))]
        known = Counter[Identity](dict(counted))
        for record, copies in stored.items():
            known[_identity_of(record)] += copies
        truth = identities(self.model.entries)
        assert not known - truth, "doubled"
        assert whale["known_trades"] == known.total()
        if not whale["unsummed"]:
            named = {identity(trade): trade for trade in self.model.entries}
            assert_positions(positions, map(fill_of, (named[each] for each in known.elements())), with_fees=False)
        if not counted:
            assert not stored - Counter(map(_record, self.model.entries)), "stored as what it is not"
        if exact:
            assert not truth - known, "lost"
            self._check_totals(dict(whale), with_profit=not counted)
            assert_positions(positions, map(fill_of, self.model.entries), with_fees=not counted)

    def _counted(self, store: Store) -> Counter[Identity]:
        names = {trade_key(trade): identity(trade) for trade in self.model.entries}
        rows = store.query("SELECT second, fingerprint, copies FROM counted_trades")
        return Counter({names[row[0], row[1]]: row[2] for row in rows})

    def _check_totals(self, whale: dict[str, Any], *, with_profit: bool) -> None:
        entries = self.model.entries
        traded = [trade for trade in entries if trade.side in ("BUY", "SELL")]
        assert whale["traded_count"] == len(traded)
        assert abs(whale["traded_volume"] - float(sum(trade.amount for trade in traded))) < 1e-6
        if with_profit:
            profit = float(sum(trade.profit for trade in entries if trade.profit is not None))
            assert abs(whale["profit_sum"] - profit) < 1e-6
        if entries:
            assert whale["newest_trade_at"] == from_unix(entries[0].created_at)


_STORED = """
    SELECT timestamp, tx_hash, market_external_id, action, amount, price, shares, outcome, outcome_side, fee, profit,
        quote_token, chain_id FROM whale_activity
"""


def fill_of(trade: Trade) -> Fill:
    """The trade as positions sum it up."""
    sides = sides_of(trade.side, trade.outcome_side, trade.outcome)
    return Fill(
        trade.market_id, trade.side, sides, trade.tokens, trade.amount, trade.fee or Decimal(0), trade.created_at
    )


def _identity_of(record: Record) -> Identity:
    timestamp, tx_hash, market, side, amount = record[:5]
    return int(from_text(str(timestamp)).timestamp()), str(tx_hash), str(market), str(side), float(str(amount))


def _record(trade: Trade) -> Record:
    second, tx_hash, market, side, amount = identity(trade)
    figures = (float(trade.price or 0), float(trade.shares or 0), trade.outcome, trade.outcome_side)
    details = (None if trade.fee is None else float(trade.fee), None if trade.profit is None else float(trade.profit))
    return (from_unix(second), tx_hash, market, side, amount, *figures, *details, trade.quote_token, trade.chain_id)
