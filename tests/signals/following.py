"""Wallets that trade as a test wants, followed with the product's own reading, rules and delivery, run by run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from opinionscope.api.models import Trade
from opinionscope.jobs.whales.history import History
from opinionscope.notify.address_book import AddressBook
from opinionscope.signals.delivery import deliver_pending
from opinionscope.signals.digests import write_due_digests
from opinionscope.signals.folding import fold_excess
from opinionscope.signals.rule_book import NewRule, add_rule
from opinionscope.signals.rules import DEFAULT_COOLDOWN, Filters
from opinionscope.signals.watch import Watch
from opinionscope.store.database import Store
from opinionscope.store.markets import save_markets
from opinionscope.store.signal_deliveries import find_waiting, note_all_sent
from opinionscope.store.signals import StoredSignal, find_signals
from opinionscope.store.whale_progress import find_wallets
from opinionscope.store.whales import add_whales
from tests.cli.conftest import market
from tests.jobs.whales.servers import Servers

ANN, BOB, CEM, DAN = (f"0x{digit * 40}" for digit in "abcd")
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NO_HORIZON = datetime.fromtimestamp(0, UTC)


@cache
def _empty_database() -> bytes:
    """A database with two markets and four wallets, made once and copied for each test."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        with Store.open(path) as store:
            now = START - timedelta(hours=1)
            add_whales(store, [(ANN, "Ann"), (BOB, "Bob"), (CEM, "Cem"), (DAN, None)], "manual", now)
            save_markets(store, [market("1", "Will it rain?"), market("2", "Will it snow?")], now)
            store.pragma("journal_mode = DELETE")
        return path.read_bytes()


@dataclass
class Following:
    """The followed wallets, whose first run has read their histories; `now` is the time of the next run."""

    folder: Path
    now: datetime = START
    store: Store = field(init=False)
    lists: dict[str, Servers] = field(default_factory=dict)
    _serial: int = 0

    def __post_init__(self) -> None:
        path = self.folder / "signals.db"
        path.write_bytes(_empty_database())
        self.store = Store.open(path)
        self.store.pragma("synchronous = OFF")
        self.lists = {address: Servers(Random(1)) for address in (ANN, BOB, CEM, DAN)}
        self.run()

    @property
    def told_file(self) -> Path:
        return self.folder / "told.jsonl"

    def program(self, name: str = "teller", script: str = "cat >> {told}") -> str:
        """The address of a program that appends what it is told to a file."""
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + script.format(told=self.told_file) + "\n")
        path.chmod(0o700)
        return f"exec:{path}"

    def rule(
        self, name: str = "all", *, to: str = "teller", cooldown: timedelta = timedelta(0), **filters: Any
    ) -> None:
        """Add a rule, a minute before the next run and without a cooldown unless it is given."""
        digest = filters.pop("digest", None)
        new = NewRule(name, Filters(**filters), (to,), cooldown, digest)
        add_rule(self.store, new, self.now - timedelta(minutes=1))

    def fill(
        self,
        address: str = ANN,
        *,
        ago: float = 5,
        market: str = "1",
        side: str = "Buy",
        outcome: int = 1,
        shares: float = 100,
        amount: float = 50.0,
    ) -> Trade:
        """List a trade that was made so many seconds before the next run."""
        self._serial += 1
        trade = Trade.model_validate(
            {
                "txHash": f"0x{self._serial:x}",
                "marketId": int(market),
                "marketTitle": "Will it rain?" if market == "1" else "Will it snow?",
                "rootMarketId": int(market),
                "side": side,
                "outcome": "YES" if outcome == 1 else "NO",
                "outcomeSide": outcome,
                "price": f"{amount / shares:.6f}",
                "shares": f"{shares}",
                "amount": f"{amount}",
                "fee": "0",
                "profit": "0",
                "quoteToken": "0xquote",
                "chainId": "56",
                "createdAt": int((self.now - timedelta(seconds=ago)).timestamp()),
            }
        )
        self.lists[address].add(trade)
        return trade

    def watch(self, book: AddressBook) -> Watch:
        """The rules as they are now."""
        with self.store.snapshot() as transaction:
            return Watch.begin(self.store, transaction, book.keys_of, self.now)

    def read(self, watch: Watch | None = None) -> None:
        """One run, a minute after the last, without telling anybody."""
        watch = watch or self.watch(AddressBook.of({}))
        for wallet in find_wallets(self.store):
            listed = self.lists[wallet.address]
            history = History(
                self.store, wallet, listed.fetch_newest, listed.fetch, self.now, lambda: NO_HORIZON, watch.saw
            )
            history.poll()
            while history.unfinished:
                history.deepen(5)
            assert not history.problems
        self.now += timedelta(minutes=1)

    def tell(self, alerts: str = "", **targets: str) -> None:
        """Write what is due and tell it, to `teller` unless other targets are given."""
        addresses = targets or {"teller": self.program()}
        environment = {f"OPINIONSCOPE_TARGET_{name.upper()}": address for name, address in addresses.items()}
        book = AddressBook.of(environment | {"OPINIONSCOPE_ALERT_URLS": alerts})
        write_due_digests(self.store, book.keys_of, self.now)
        deliver_pending(self.store, book, lambda: self.now)

    def tell_at_once(self) -> list[dict[str, Any]]:
        """What a target that accepts everything is told now; without a process for each message."""
        with self.store.transaction() as transaction:
            fold_excess(transaction, "teller", self.now)
            waiting = find_waiting(transaction, "teller", self.now)
            note_all_sent(transaction, self.now)
        return [json.loads(each.document) for each in waiting]

    def run(self, **targets: str) -> None:
        """One run as the job does it."""
        self.read()
        self.tell(**targets)

    def told(self) -> list[dict[str, Any]]:
        """The documents that were told, in their order."""
        return [json.loads(line) for line in self.told_file.read_text().splitlines()] if self.told_file.exists() else []

    def amounts(self) -> list[float]:
        """The amounts of the orders that were told."""
        return [document["order"]["amount"] for document in self.told()]

    def signals(self) -> list[StoredSignal]:
        """What the database has, oldest first."""
        return list(find_signals(self.store, limit=1_000))[::-1]

    def states(self) -> list[tuple[str, str | None]]:
        """State and reason of each signal."""
        return [(signal.state, signal.reason) for signal in self.signals()]


@contextmanager
def following(folder: Path) -> Iterator[Following]:
    """Wallets whose histories are empty and read."""
    wallets = Following(folder)
    try:
        yield wallets
    finally:
        wallets.store.close()


__all__ = ["ANN", "BOB", "CEM", "DAN", "DEFAULT_COOLDOWN", "START", "Following", "following"]
