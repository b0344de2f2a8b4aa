"""Whole answers of one wallet among fifty, spoiled at random: the other 49 are always served, with their own trades.

`OPINIONSCOPE_TEST_ROUNDS=2000 pytest -n 0 -s tests/isolation/test_whole_answers.py` tries that many answers.
"""

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.jobs.whales.sync import sync_whales
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.conftest import CommandLine
from tests.end_to_end.truth import assert_trades_are_exact
from tests.isolation.conftest import WALLETS, Misbehaving, still_exchange
from tests.isolation.misbehaving import MisbehavingServer
from tests.isolation.random_answers import spoil
from tests.rounds import ROUNDS, rounds

_FIRST_SEED = int(time.time()) if ROUNDS else 0


class Trial:
    """The real client and the real job on a database of its own, without the cost of a process."""

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

    def run(self, number: int) -> dict[str, Any]:
        """One first sync of all wallets: what it says of each, and what it has stored."""
        path = self._folder / f"{number}.db"
        pacer = Pacer(self._folder / f"{number}.pacer", 1000)
        with Store.open(path) as store:
            store.pragma("synchronous = OFF")
            add_whales(store, [(wallet, None) for wallet in self._exchange.wallets], "manual", utc_now())
            deadline = time.monotonic() + 8
            with OpinionClient(self._settings, pacer, connections=16, deadline=deadline) as client:
                result = sync_whales(client, store, now=utc_now(), retention=timedelta(days=36_500), deadline=deadline)
            stored = store.query("SELECT whale_address, tx_hash FROM whale_activity")
            errors = store.query("SELECT address, last_error FROM whales")
        for file in self._folder.glob(f"{number}.*"):
            file.unlink()
        return {"stored": Counter(map(tuple, stored)), "errors": dict(map(tuple, errors)), "status": result.status}


def _true_trades(exchange: Exchange, wallets: list[str]) -> Counter[tuple[str, str]]:
    return Counter((wallet, trade.tx_hash) for wallet in wallets for trade in exchange.visible_trades(wallet))


def test_whatever_one_wallet_answers_the_49_others_are_stored_with_their_own_trades_alone(tmp_path: Path) -> None:
    exchange = still_exchange(WALLETS)
    outcomes: Counter[str] = Counter()
    with MisbehavingServer(exchange, rate_limit=None, hide_arrivals=True) as server:
        trial = Trial(server, tmp_path)
        for number in range(_FIRST_SEED, _FIRST_SEED + rounds(20)):
            random, changes = Random(number), list[list[str]]()

            def bend(honest: Any, random: Random = random, changes: list[list[str]] = changes) -> Any:
                answer, spoilt = spoil(honest, random)
                changes.append(spoilt)
                return answer

            bad = random.choice(exchange.wallets)
            others = [wallet for wallet in exchange.wallets if wallet != bad]
            server.bent = {bad: bend}
            outcome = trial.run(number)
            stored = Counter({key: count for key, count in outcome["stored"].items() if key[0] != bad})
            assert stored == _true_trades(exchange, others), (number, changes)
            assert {wallet: error for wallet, error in outcome["errors"].items() if error and wallet != bad} == {}
            assert len(outcome["errors"][bad] or "") <= 1_000
            hashes = {trade.tx_hash for wallet in others for trade in exchange.visible_trades(wallet)}
            assert not {key[1] for key in outcome["stored"] if key[0] == bad} & hashes, (number, changes)
            outcomes[outcome["status"]] += 1
    print(f"{sum(outcomes.values())} answers, from seed {_FIRST_SEED}: {dict(outcomes)}")  # noqa: T201


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
