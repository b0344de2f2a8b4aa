"""A database as the jobs leave it, some of it hostile, and two ways to run a command on it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from opinionscope.cli.app import app
from opinionscope.store.database import Store
from opinionscope.store.markets import MarketRow, save_markets
from opinionscope.store.polls import record_poll
from opinionscope.store.sync_logs import Outcome, close_run, open_run
from opinionscope.store.whale_activity import NewTrade, insert_trades
from opinionscope.store.whale_figures import add_to_totals, publish_figures
from opinionscope.store.whale_progress import find_wallets, save_progress
from opinionscope.store.whales import add_whales
from opinionscope.times import to_millis_text, to_seconds_text, utc_now
from tests.conftest import JOB, CommandLine

HOSTILE = "\x1b[31mred\x1b[0m [bold]markup[/nothing]\nnext\tline \u202eevil\u2069 \x9b2J :smile:"
LARGE_ID = "9" * 78
COMPLETE, BEHIND, CATCHING_UP, REMOVED = (f"0x{digit * 40}" for digit in "abcd")

Invoke = Callable[..., Result]


@pytest.fixture
def stored(command: CommandLine) -> CommandLine:
    """A command line whose database has markets, wallets, trades and runs."""
    now = utc_now()
    with Store.open(command.database) as store:
        save_markets(store, [market("1", "Will it rain?", volume=1234.5), market("2", HOSTILE, status="resolved")], now)
        _add_wallets(store, now)
        _add_runs(store, now)
    return command


@pytest.fixture
def invoke(stored: CommandLine, environment: None) -> Invoke:
    """Run a command in this process, on the stored database; for tests of many cases."""
    return lambda *words, stdin=None: CliRunner().invoke(app, [*words, "--db", str(stored.database)], input=stdin)


@pytest.fixture
def invoke_empty(tmp_path: Path, environment: None) -> Invoke:
    """The same on a database that is not there yet."""
    database = tmp_path / "new.db"
    return lambda *words, stdin=None: CliRunner().invoke(app, [*words, "--db", str(database)], input=stdin)


def market(external_id: str, title: str, *, status: str = "activated", volume: float | None = None) -> MarketRow:
    """A binary market."""
    return MarketRow(
        external_id=external_id,
        parent_external_id=None,
        market_type="binary",
        title=title,
        status=status,
        labels='["Weather", "Été"]',
        yes_label="YES",
        no_label="NO",
        yes_token_id=LARGE_ID,
        no_token_id="8" * 77,
        result_token_id=None,
        volume=volume,
        volume_24h=None,
        volume_7d=None,
        quote_token="0x0",
        chain_id="56",
        slug=None,
        rules=None,
        url=None,
        created_at="2026-01-01T00:00:00Z",
        cutoff_at=None,
        resolved_at=None,
    )


def trade(number: int, when: datetime, *, title: str = "Will it rain?", amount: float = 1234.5) -> NewTrade:
    """A purchase."""
    return NewTrade(
        market_external_id="1",
        root_market_external_id="1",
        market_title=title,
        tx_hash=f"0x{number:064x}",
        action="BUY",
        outcome="YES",
        outcome_side=1,
        price=0.4215,
        shares=10.0,
        amount=amount,
        fee=None,
        profit=None,
        quote_token="0x0",
        chain_id="56",
        timestamp=to_seconds_text(when),
        fingerprint=number,
        copy=1,
    )


def _add_wallets(store: Store, now: datetime) -> None:
    wallets = [(COMPLETE, "Ann"), (BEHIND, HOSTILE), (CATCHING_UP, None), (REMOVED, "Gone")]
    add_whales(store, wallets, "manual", now - timedelta(days=2))
    trades = [trade(1, now - timedelta(minutes=4)), trade(2, now - timedelta(days=2), title=HOSTILE, amount=5.0)]
    totals = {COMPLETE: 2, BEHIND: 5}
    for wallet in find_wallets(store):
        if wallet.address in totals:
            total = totals[wallet.address]
            progress = wallet.progress._replace(api_total=total, known_trades=2, history_read_at=to_millis_text(now))
            with store.transaction() as transaction:
                save_progress(transaction, wallet.id, progress, now)
                insert_trades(transaction, wallet.address, trades, now)
                newest = to_seconds_text(now - timedelta(minutes=4))
                add_to_totals(transaction, wallet.id, traded=2, volume=1239.5, profit=-1.0, newest=newest)
            record_poll(store, wallet.id, now, None)
    with store.transaction() as transaction:
        transaction.execute("UPDATE whales SET enabled = 0 WHERE address = ?", (REMOVED,))
    publish_figures(store, now)


def _add_runs(store: Store, now: datetime) -> None:
    runs: tuple[tuple[str, timedelta, Outcome], ...] = (
        ("markets", timedelta(days=3), Outcome("completed", 1200, request_count=61)),
        ("whales", timedelta(minutes=4), Outcome("failed", throttled_count=3, error=HOSTILE)),
        ("whales", timedelta(minutes=3), Outcome("partial", 4, 1, 9, error="0xaa: time-out " * 20)),
        ("stats", timedelta(seconds=9), Outcome("completed", 3)),
    )
    for job, before, outcome in runs:
        close_run(store, open_run(store, JOB[job], now - before), outcome, now - before + timedelta(seconds=2))
