"""Random schedules: a wallet trades, is polled each minute by the product's own code, and the servers do as they do.

`python -m tests.benchmarks servers` plays many and prints for each kind of server how many ended with a trade lost,
with one doubled, and with either of them under the word "complete".
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from opinionscope.api.models import Trade
from opinionscope.errors import ApiError, ApiUnavailable, RequestRefused
from opinionscope.jobs.whales.history import History
from opinionscope.jobs.whales.turns import PAGES_A_TURN
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import find_wallets
from opinionscope.times import from_text
from tests.true_positions import SELECT, assert_positions

from .list_model import FIRST_SECOND, Identity
from .list_reader import ADDRESS, NEXT_DAY, NO_HORIZON, empty_database, fill_of
from .servers import Entry, Servers, filled, make_trade, merged, shorter


@dataclass
class Outcome:
    """What a schedule came to. `requests` are those of its `runs` while the wallet traded."""

    lost: bool = False
    doubled: bool = False
    falsely_complete: bool = False
    complete: bool = False
    requests: int = 0
    runs: int = 0
    complete_runs: int = 0
    failed_runs: int = 0
    hours: float = 0.0


@dataclass
class Row:
    """A kind of server: how it is made, what becomes of trades, and how the wallet trades."""

    build: Callable[[Random], Servers] = Servers
    corrected: float = 0.0
    respelled: Callable[[Trade], Trade] | None = None
    busy: bool = False
    history: int = 0
    late: float = 0.2


class Play:
    """One schedule on one database."""

    def __init__(self, row: Row, seed: int, store: Store) -> None:
        self.chance = Random(seed)
        self.row = row
        self.servers = row.build(self.chance)
        self.store = store
        self.outcome = Outcome()
        self.began = self.servers.now = float(FIRST_SECOND)
        self.serial = 1_000

    def play(self) -> Outcome:
        """Trade and poll, let the servers agree, poll on for a day, and compare."""
        self._live_through_history()
        for _ in range(40 if self.row.busy else self.chance.randint(3, 7)):
            self._trade_for_a_minute()
            self._run()
            self.outcome.complete_runs += self._word() == "complete"
        self.outcome.runs, self.outcome.requests = self._runs, self.servers.fetches
        self.servers.advance(300)
        self.servers.agree()
        ended = self.servers.now
        for wait in [60] * 15 + ([] if self.row.busy else [600] * 10 + [3_600] * 22):
            self._run()
            if self._judge():
                break
            self.servers.advance(wait)
        self.outcome.hours = (self.servers.now - ended) / 3_600
        return self.outcome

    _runs = 0

    def _live_through_history(self) -> None:
        for _ in range(self.row.history // 10 if self.row.history else self.chance.randint(0, 4)):
            self._burst(10 if self.row.history else self.chance.choice([1, 5, 19, 20, 21, 25, 40]))
            self.servers.advance(30 if self.row.history else self.chance.choice([1, 60]))
        self.servers.advance(200)

    def _trade_for_a_minute(self) -> None:
        start = self.servers.now
        if self.row.busy:
            for _ in range(40):
                self.servers.later(self.chance.uniform(0, 60), self._one_of_a_busy_wallet)
        else:
            for _ in range(self.chance.choice([0, 1, 1, 2, 3])):
                # A good part of it while the wallet is being read.
                at = self.chance.uniform(60, 61) if self.chance.random() < 0.5 else self.chance.uniform(0, 60)
                size = self.chance.choice([1, 1, 1, 2, 3, 5, 12, 21, 30])
                late = self.chance.random() < self.row.late
                self.servers.later(at, partial(self._burst, min(size, 4) if late else size, late=late))
        if self.row.respelled and self.chance.random() < 0.3:
            self.servers.later(self.chance.uniform(0, 60), self._respell)
        self.servers.advance(start + 60 - self.servers.now)

    def _respell(self) -> None:
        assert self.row.respelled is not None
        self.servers.spelling = self.row.respelled

    def _one_of_a_busy_wallet(self) -> None:
        self.serial += 1
        delay = self.chance.uniform(5, 90) if self.chance.random() < 1 / 15 else 1
        trade = make_trade(self.serial, int(self.servers.now - delay))
        self._list(trade)

    def _burst(self, count: int, *, late: bool = False) -> None:
        entries = self.servers.entries
        second = int(self.servers.now)
        if late and entries:
            second = self.chance.choice(entries[-60:]).trade.created_at
        spread = self.chance.choice([1, 1, 2, 3, 1_000])
        pattern = self.chance.choice([[-1], [-1], [-1, -1, 0], [0], [0, 1]])
        for number in range(count):
            content = pattern[number % len(pattern)]
            if content < 0:
                self.serial += 1
                content = self.serial
            step = 0 if late else number // spread - count // spread
            self._list(
                make_trade(content, second + step, share="0.1234567891", outcome_side=None if content % 2 else 1)
            )

    def _list(self, trade: Trade) -> None:
        entry = self.servers.add(trade)
        if self.row.corrected and self.chance.random() < self.row.corrected:
            self.servers.later(self.chance.uniform(5, 120), lambda: self._correct(entry))

    def _correct(self, entry: Entry) -> None:
        entry.gone_at = self.servers.now
        if self.chance.random() < 0.5:
            self.serial += 1
            self.servers.add(make_trade(self.serial, entry.trade.created_at))

    def _run(self) -> None:
        self._runs += 1
        now = NEXT_DAY + timedelta(seconds=self.servers.now - self.began)
        (wallet,) = find_wallets(self.store)
        history = History(self.store, wallet, self.servers.fetch_newest, self.servers.fetch, now, lambda: NO_HORIZON)
        try:
            history.poll()
            while history.unfinished:
                history.deepen(PAGES_A_TURN)
        except ApiError:
            self.outcome.failed_runs += 1

    def _word(self) -> str:
        (wallet,) = find_wallets(self.store)
        return wallet.progress.completeness.word

    def _judge(self) -> bool:
        """Compare with the truth; whether all is well, so that nothing can change any more."""
        known, truth = self._comparable(known_identities(self.store)), self._comparable(self.servers.identities())
        outcome = self.outcome
        outcome.lost, outcome.doubled = bool(truth - known), bool(known - truth)
        outcome.complete = self._word() == "complete"
        wrong = outcome.lost or outcome.doubled
        outcome.falsely_complete |= outcome.complete and wrong
        if outcome.complete and not wrong and self.row.respelled is None:
            assert_positions(map(tuple, self.store.query(SELECT, (ADDRESS,))), map(fill_of, self.servers.truth()))
        return outcome.complete and not wrong

    def _comparable(self, trades: Counter[Identity]) -> Counter[Identity]:
        """The trades as a multiset in which a spelling of any time is the same trade."""
        if self.row.respelled is None:
            return trades
        same = Counter[Identity]()
        for (second, tx_hash, _, side, amount), copies in trades.items():
            same[second, tx_hash, "", side, int(amount * 100_000)] += copies
        return same


def known_identities(store: Store) -> Counter[Identity]:
    """The trades that count, as a multiset."""
    columns = {row[1] for row in store.query("PRAGMA table_info(whale_activity)")}
    where = "WHERE withdrawn_at IS NULL" if "withdrawn_at" in columns else ""
    rows = store.query(f"SELECT timestamp, tx_hash, market_external_id, action, amount FROM whale_activity {where}")
    return Counter(
        (int(from_text(str(row[0])).timestamp()), str(row[1]), str(row[2]), str(row[3]), float(row[4])) for row in rows
    )


def _replicas(chance: Random) -> Servers:
    lags = tuple(chance.uniform(0, 30) for _ in range(chance.choice([2, 3])))
    return Servers(chance, lags=(0.0, *lags[1:]), other_total=chance.random() < 0.3)


def _cache(chance: Random, pages: int) -> Servers:
    return Servers(chance, cached_pages=pages, cached_for=chance.uniform(10, 60), other_total=chance.random() < 0.2)


def _off_by_two_percent(servers: Servers, total: int) -> int:
    return max(0, total + round(total * servers.chance.uniform(-0.02, 0.02)))


def _stale_total(servers: Servers, total: int) -> int:
    return sum(1 for entry in servers.entries if entry.listed_at <= servers.now - 90)


_REFUSED = RequestRefused("the exchange refuses the request: 10000 (page is invalid)")
_BROKEN = ApiUnavailable("exchange error (HTTP 502)")

ROWS: dict[str, Row] = {
    "honest": Row(),
    "ties by page": Row(lambda chance: Servers(chance, ties="by page")),
    "ties at random": Row(lambda chance: Servers(chance, ties="at random")),
    "ties as a heap": Row(lambda chance: Servers(chance, ties="heap")),
    "replicas": Row(_replicas),
    "page 1 cached": Row(lambda chance: _cache(chance, 1)),
    "all pages cached": Row(lambda chance: _cache(chance, 10**6)),
    "corrections": Row(corrected=0.03),
    "numbers respelled": Row(respelled=shorter),
    "market merged": Row(respelled=merged),
    "field filled": Row(respelled=filled),
    "total one too low": Row(lambda chance: Servers(chance, claim=lambda _, total: max(0, total - 1)), late=0.5),
    "deep pages refused": Row(lambda chance: Servers(chance, last_page=3, refusal=_REFUSED), history=120),
    "deep pages broken": Row(lambda chance: Servers(chance, last_page=3, refusal=_BROKEN), history=120),
    "last page repeated": Row(lambda chance: Servers(chance, repeats_last=True)),
    "limit cut to 10": Row(lambda chance: Servers(chance, page_size=10)),
    "order of indexing": Row(lambda chance: Servers(chance, by_index=True), late=0.5),
    "busy, total capped": Row(
        lambda chance: Servers(chance, claim=lambda _, total: min(total, 700)), busy=True, history=900
    ),
    "busy, total stale": Row(lambda chance: Servers(chance, claim=_stale_total), busy=True, history=900),
    "busy, total ±2 %": Row(lambda chance: Servers(chance, claim=_off_by_two_percent), busy=True, history=900),
    "busy, honest": Row(busy=True, history=900),
}


def play(row: Row, seed: int, folder: Path) -> Outcome:
    """Play one schedule on a database of its own."""
    path = folder / f"{seed}.db"
    path.write_bytes(empty_database())
    with Store.open(path) as store:
        store.pragma("synchronous = OFF")
        store.pragma("journal_mode = MEMORY")
        outcome = Play(row, seed, store).play()
    path.unlink()
    return outcome


def measure(name: str, schedules: int, first: int = 0) -> str:
    """Play schedules of a row and describe what came of them."""
    row = ROWS[name]
    number = max(1, schedules // 50) if row.busy else schedules
    with TemporaryDirectory() as folder:
        outcomes = [play(row, seed, Path(folder)) for seed in range(first, first + number)]
    runs = sum(outcome.runs for outcome in outcomes)
    healed = sorted(outcome.hours for outcome in outcomes if outcome.complete)

    def seeds(what: str) -> str:
        wrong = [first + index for index, outcome in enumerate(outcomes) if getattr(outcome, what)]
        return f"{len(wrong)}" + (f" (seeds {wrong[:4]})" if wrong else "")

    return (
        f"{name}: {number} schedules, lost {seeds('lost')}, doubled {seeds('doubled')}, falsely complete "
        f"{seeds('falsely_complete')}, complete at the end {sum(o.complete for o in outcomes)}, "
        f"{sum(o.requests for o in outcomes) / runs:.1f} requests a run, complete in "
        f"{sum(o.complete_runs for o in outcomes) / runs * 40:.1f} of 40 runs, "
        f"{sum(o.failed_runs for o in outcomes)} failed runs, well after {healed[-1] if healed else 0:.1f} h at most"
    )
