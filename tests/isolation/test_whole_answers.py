"""Whole answers of one wallet among fifty, spoiled at random: the other 49 are always served, with their own trades.

`OPINIONSCOPE_TEST_ROUNDS=2000 pytest -n 0 -s tests/isolation/test_whole_answers.py` tries that many answers.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.markets.sync import sync_markets
from opinionscope.jobs.whales.sync import sync_whales
from opinionscope.polling.limits import Limits
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange
from opinionscope.simulator.response import Response
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.conftest import CommandLine
from tests.end_to_end.truth import assert_trades_are_exact
from tests.isolation.conftest import WALLETS, Misbehaving, still_exchange
from tests.isolation.misbehaving import MisbehavingServer, always, raw
from tests.isolation.random_answers import spoil
from tests.rounds import ROUNDS, rounds

_FIRST_SEED = int(time.time()) if ROUNDS else 0


class Trial:
    """The real client and the real jobs, each run on a database of its own, without the cost of a process."""

    def __init__(self, server: MisbehavingServer, folder: Path) -> None:
        self._exchange = server.exchange
        self._folder = folder
        self._settings = Settings.model_validate(
            {
                "OPINION_TRADE_API_KEY": "a-key-of-the-tests",
                "OPINION_TRADE_BASE_URL": server.url,
                "OPINIONSCOPE_RATE_LIMIT": "1000",
                "OPINIONSCOPE_BACKOFF": "0.001",
            }
        )

    @contextmanager
    def connected(self, number: int) -> Iterator[tuple[OpinionClient, Store, float]]:
        """A client, an empty database, and the deadline of the run."""
        deadline = time.monotonic() + 8
        pacer = Pacer(self._folder / f"{number}.pacer", 1000)
        with (
            Store.open(self._folder / f"{number}.db") as store,
            OpinionClient(self._settings, pacer, deadline=deadline) as client,
        ):
            store.pragma("synchronous = OFF")
            yield client, store, deadline
        for file in self._folder.glob(f"{number}.*"):
            file.unlink()

    def sync_wallets(self, number: int) -> "Outcome":
        """One first sync of all wallets."""
        with self.connected(number) as (client, store, deadline):
            add_whales(store, [(wallet, None) for wallet in self._exchange.wallets], "manual", utc_now())
            result = sync_whales(
                client,
                store,
                now=utc_now(),
                retention=timedelta(days=36_500),
                deadline=deadline,
                limits=Limits.of(self._settings),
            )
            stored = Counter(map(tuple, store.query("SELECT whale_address, tx_hash FROM whale_activity")))
            errors = dict(map(tuple, store.query("SELECT address, last_error FROM whales")))
        return Outcome(result.status, stored, errors)

    def sync_list(self, number: int) -> "Outcome":
        """One first sync of all markets."""
        with self.connected(number) as (client, store, deadline):
            result = sync_markets(client, store, now=utc_now(), deadline=deadline)
            stored = Counter(map(tuple, store.query("SELECT external_id, title FROM markets")))
        return Outcome(result.status, stored, {"": result.error})


class Outcome(NamedTuple):
    """What a run has stored, and what it says of whom."""

    status: str
    stored: Counter[tuple[str, str]]
    errors: dict[str, str | None]


class RandomBend:
    """Spoils one answer after the other; `changes` says how."""

    def __init__(self, random: Random) -> None:
        self.changes: list[list[str]] = []
        self._random = random

    def __call__(self, honest: Response) -> Response:
        answer, changes = spoil(honest, self._random)
        self.changes.append(changes)
        return answer


def _true_trades(exchange: Exchange, wallets: list[str]) -> Counter[tuple[str, str]]:
    return Counter((wallet, trade.tx_hash) for wallet in wallets for trade in exchange.visible_trades(wallet))


def test_whatever_one_wallet_answers_the_49_others_are_stored_with_their_own_trades_alone(tmp_path: Path) -> None:
    exchange = still_exchange(WALLETS)
    statuses: Counter[str] = Counter()
    with MisbehavingServer(exchange, rate_limit=None, hide_arrivals=True) as server:
        trial = Trial(server, tmp_path)
        for number in range(_FIRST_SEED, _FIRST_SEED + rounds(8)):
            random = Random(number)
            bad = random.choice(exchange.wallets)
            others = [wallet for wallet in exchange.wallets if wallet != bad]
            bend = RandomBend(random)
            server.bent = {bad: bend}
            outcome = trial.sync_wallets(number)
            true = _true_trades(exchange, others)
            stored = Counter({key: count for key, count in outcome.stored.items() if key[0] != bad})
            assert stored == true, (number, bend.changes)
            assert [wallet for wallet, error in outcome.errors.items() if error and wallet != bad] == []
            assert len(outcome.errors[bad] or "") <= 1_000
            taken = {key[1] for key in outcome.stored if key[0] == bad} & {key[1] for key in true}
            assert not taken, (number, bend.changes)
            statuses[outcome.status] += 1
    assert statuses["failed"] == 0
    print(f"{statuses.total()} syncs of wallets from seed {_FIRST_SEED}: {dict(statuses)}")  # noqa: T201


def test_whatever_the_last_page_of_markets_answers_the_others_are_stored(tmp_path: Path) -> None:
    exchange = still_exchange(0)
    statuses: Counter[str] = Counter()
    with MisbehavingServer(exchange, rate_limit=None, hide_arrivals=True) as server:
        trial = Trial(server, tmp_path)
        whole = trial.sync_list(0).stored
        server.bent = {"page=3&": always(raw(b"", status=b"500 No"))}
        kept = trial.sync_list(0).stored
        assert whole - kept
        for number in range(_FIRST_SEED, _FIRST_SEED + rounds(12)):
            bend = RandomBend(Random(number))
            server.bent = {"page=3&": bend}
            outcome = trial.sync_list(number)
            assert kept - outcome.stored == Counter(), (number, bend.changes)
            assert len(outcome.errors[""] or "") <= 3_000
            statuses[outcome.status] += 1
    assert statuses["failed"] == 0
    print(f"{statuses.total()} syncs of markets from seed {_FIRST_SEED}: {dict(statuses)}")  # noqa: T201


@pytest.mark.parametrize("seed", range(2))
def test_the_real_command_as_well(command: CommandLine, misbehaving: Misbehaving, seed: int) -> None:
    exchange, server = misbehaving(WALLETS)
    bad, *others = exchange.wallets
    random = Random(seed)
    server.bent = {bad: lambda honest: spoil(honest, random)[0]}
    for _ in range(2):
        command("sync", "whales")
        assert command.last_run("whales")["status"] in ("partial", "completed")
        assert_trades_are_exact(command, exchange, others)
