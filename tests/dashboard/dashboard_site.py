"""A database as the jobs leave it, with hostile texts in it, and the dashboard command that serves it."""

import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from opinionscope.simulator import Exchange, ExchangeServer
from opinionscope.store.database import Store
from opinionscope.times import to_millis_text, utc_now
from tests.conftest import CommandLine

SOME_CONSENSUS = {"min_whales": "2", "min_exposure": "0"}
"""Filters that find a consensus among a few wallets."""
KEY = "the-key-of-the-tests"
SCRIPT = "<script>window.taken = 1</script>"
HOSTILE = ("=1+1 " + SCRIPT, '<img src=x onerror="window.taken = 1">', "{{ 7*7 }} {% raw %} ' \" `${window.taken = 1}`")


def fill(folder: Path) -> CommandLine:
    """Run the jobs on a simulated exchange, then write what a hostile exchange might send over some of it."""
    command = CommandLine(folder, folder / "any ?name#1.db")
    exchange = Exchange(markets=60, wallets=3, history=60)
    with ExchangeServer(exchange, rate_limit=None) as server:
        command.settings |= {
            "OPINION_TRADE_BASE_URL": server.url,
            "OPINION_TRADE_API_KEY": KEY,
            "OPINIONSCOPE_RATE_LIMIT": "500",
        }
        add = f"whales add {' '.join(exchange.wallets)}"
        run(command, add, "sync whales", "rules add any --min-amount 0")
        listed = next(market["marketId"] for market in exchange.markets() if market["marketType"] == 0)
        for wallet in exchange.wallets:
            exchange.add_trades(wallet, [exchange.make_trade(wallet, market_id=listed) for _ in range(2)])
        run(command, "sync whales", "sync markets", "sync positions", "stats")
    with closing(sqlite3.connect(command.database)) as connection, connection:
        _spoil(connection)
    return command


def run(command: CommandLine, *lines: str) -> None:
    """Run these commands, which must succeed."""
    for words in lines:
        result = command(*words.split())
        assert result.returncode == 0, result.stderr


def _spoil(connection: sqlite3.Connection) -> None:
    moment = to_millis_text(utc_now() - timedelta(minutes=5))
    connection.execute(
        "INSERT INTO sync_logs (type, status, started_at, ended_at, error) VALUES ('whales', 'failed', ?, ?, ?)",
        (moment, moment, HOSTILE[0]),
    )
    connection.execute("UPDATE whales SET name = ?, last_error = ? WHERE id = 1", (HOSTILE[1], HOSTILE[0]))
    busiest = "SELECT market_external_id FROM whale_activity GROUP BY 1 ORDER BY max(timestamp) DESC LIMIT 1"
    connection.execute(
        f"UPDATE markets SET title = ?, url = 'javascript:window.taken=1' WHERE external_id = ({busiest})", HOSTILE[:1]
    )
    connection.execute(
        f"UPDATE whale_activity SET market_title = ?, outcome = ? WHERE market_external_id = ({busiest})", HOSTILE[:2]
    )
    largest = "SELECT external_id FROM markets WHERE market_type <> 'child' ORDER BY volume DESC LIMIT 1"
    connection.execute(
        f"UPDATE markets SET title = ?, url = 'https://app.opinion.trade.evil/' WHERE external_id = ({largest})",
        HOSTILE[2:],
    )


@contextmanager
def served(command: CommandLine) -> Iterator[str]:
    """The address of the dashboard while the command runs; it must end well."""
    process = command.start("dashboard", "--port", "0", "--no-open")
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    try:
        assert found, process.communicate(timeout=20)
        yield found[0].rstrip("/")
    finally:
        process.terminate()
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")


@contextmanager
def served_empty(folder: Path) -> Iterator[str]:
    """The address of the dashboard of a new database."""
    command = CommandLine(folder, folder / "new.db")
    Store.open(command.database).close()
    with served(command) as address:
        yield address


def ask(url: str, *, method: str = "GET", host: str | None = None) -> tuple[int, str, dict[str, str]]:
    """The status, the body and the headers (lower case) of an answer."""
    request = urllib.request.Request(url, method=method, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, answer.read().decode(), headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode(), {}
