"""The shared rate limit as the exchange sees it: real processes and threads, real requests, real refusals."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.errors import Paused, Throttled
from opinionscope.settings import Settings
from opinionscope.simulator import Exchange, ExchangeServer
from tests.conftest import CommandLine, Trading
from tests.isolation.misbehaving import MisbehavingServer, raw

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
WALLETS = ["0x" + "a" * 40, "0x" + "b" * 40]

_SENDER = """
import os, sys, threading, time
from pathlib import Path
from opinionscope.api.client import OpinionClient
from opinionscope.api.pacer import Pacer
from opinionscope.errors import OutOfTime
from opinionscope.settings import Settings

url, path, limit, threads, seconds = sys.argv[1:]
settings = Settings.model_validate(
    {
        "OPINION_TRADE_API_KEY": os.environ["KEYS"],
        "OPINION_TRADE_BASE_URL": url,
        "OPINIONSCOPE_RATE_LIMIT": limit,
    }
)
deadline = time.monotonic() + float(seconds)
pacer = Pacer(Path(path), settings.rate_limit, settings.key_digests)
with OpinionClient(settings, pacer, deadline=deadline) as client:
    def send():
        try:
            while True:
                client.fetch_trades("0x" + "a" * 40, 1)
        except OutOfTime:
            return
    workers = [threading.Thread(target=send) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


def still_exchange() -> Exchange:
    return Exchange(markets=3, wallets=0, trades_per_minute=0, market_churn_per_minute=0, clock=NOON.timestamp)


def send_from_processes(
    server: ExchangeServer, path: Path, limit: int, processes: int, keys: str, seconds: float
) -> None:
    """Let so many processes of four threads each send as much as they may."""
    words = [sys.executable, "-c", _SENDER, server.url, str(path), str(limit), "4", str(seconds)]
    for sender in [subprocess.Popen(words, env=os.environ | {"KEYS": keys}) for _ in range(processes)]:
        assert sender.wait(60) == 0


@pytest.mark.parametrize(("limit", "processes", "keys"), [(50, 3, "one"), (15, 2, "one,two,three")])
def test_processes_and_threads_share_the_limit_of_each_key_and_use_it(
    tmp_path: Path, limit: int, processes: int, keys: str
) -> None:
    problems, names = [], keys.split(",")
    # A busy machine can shake requests together on their way, or hold them up. Where the limit is not shared, there are
    # twice as many, every time. The benchmarks `rate` and `keys` measure it exactly.
    for attempt in range(3):
        with ExchangeServer(still_exchange(), rate_limit=None) as server:
            send_from_processes(server, tmp_path / f"pacer-{attempt}", limit, processes, keys, seconds=3.0)
            arrivals = [request.at for request in server.requests]
            windows = server.worst_windows(1.0)
        assert sorted(windows) == sorted(names)
        used = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) / len(names)
        if max(windows.values()) <= 1.2 * limit and used >= 0.5 * limit:
            return
        problems.append((windows, used))
    raise AssertionError(f"not {limit} requests with a key a second: {problems}")


@pytest.mark.parametrize(
    ("header", "pause"),
    [("3600", 3600), (format_datetime(NOON.replace(hour=13), usegmt=True), 3600), (None, 1), ("soon", 1)],
)
def test_the_wait_that_the_exchange_asks_for_is_taken_as_seconds_as_a_date_or_as_a_second(
    tmp_path: Path, header: str | None, pause: int
) -> None:
    """The exchange's clock stands still, and far from ours: a date is meant by its clock.

    It is everyone's wait once it is asked for in the answers to two wallets.
    """
    with ExchangeServer(still_exchange(), rate_limit=0, retry_after=header) as server:
        settings = Settings.model_validate(
            {
                "OPINION_TRADE_API_KEY": "key",
                "OPINION_TRADE_BASE_URL": server.url,
                "OPINIONSCOPE_MAX_ATTEMPTS": 1,
            }
        )
        pacer = Pacer(tmp_path / "pacer", 15)
        with OpinionClient(settings, pacer, deadline=time.monotonic() + 30) as client:
            for wallet in WALLETS:
                with pytest.raises(Throttled):
                    client.fetch_trades(wallet, 1)
            # For a run whose time is up: it hears of the pause, however late it asks for its turn.
            with pytest.raises(Paused) as paused, pacer.turn(deadline=0.0):
                pytest.fail("a turn came in a pause")
        pacer.close()
        assert len(server.requests) == 2
    assert float(str(paused.value).split()[-3]) == pytest.approx(pause, abs=1)


def test_a_long_wait_that_is_asked_for_in_one_wallet_s_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    wallet, other = WALLETS
    with MisbehavingServer(still_exchange(), rate_limit=None) as server:
        server.bent = {wallet: lambda _: raw(b"", (b"Retry-After", b"3600"), status=b"429 Too Many Requests")}
        settings = Settings.model_validate({"OPINION_TRADE_API_KEY": "key", "OPINION_TRADE_BASE_URL": server.url})
        pacer = Pacer(tmp_path / "pacer", 15)
        with OpinionClient(settings, pacer, deadline=time.monotonic() + 30) as client:
            for _ in range(2):
                with pytest.raises(Throttled):
                    client.fetch_trades(wallet, 1)
                assert client.fetch_trades(other, 1).length == 0
        pacer.close()
        assert len(server.requests) == 4


def test_a_limit_that_was_much_too_low_holds_nobody_back_once_it_is_corrected(
    command: CommandLine, trading: Trading
) -> None:
    trading(Exchange(seed=3, markets=5, wallets=1, history=5, trades_per_minute=0, market_churn_per_minute=0))
    command("sync", "markets", OPINIONSCOPE_RATE_LIMIT="0.001", OPINIONSCOPE_RUN_BUDGET="2")
    result = command("sync", "markets", OPINIONSCOPE_RUN_BUDGET="30")
    assert (result.returncode, result.stderr) == (0, "")
