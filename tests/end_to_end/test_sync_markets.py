"""`sync markets` as cron runs it, against the simulated exchange."""

import sqlite3
from contextlib import closing

from opinionscope.simulator import Exchange, Fault
from tests.conftest import CommandLine, Trading


def still_exchange(**options: object) -> Exchange:
    """An exchange in which nothing moves but what a test moves."""
    return Exchange(
        **{"seed": 3, "markets": 90, "wallets": 0, "market_churn_per_minute": 0.0, "trades_per_minute": 0.0} | options  # type: ignore[arg-type]
    )


def stored(command: CommandLine) -> dict[str, tuple[object, ...]]:
    rows = command.query("SELECT external_id, * FROM markets ORDER BY external_id")
    return {row[0]: row[1:] for row in rows}


def test_every_market_is_stored_parents_and_children_included(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)

    result = command("sync", "markets")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    listed = exchange.markets()
    children = {str(child["marketId"]) for market in listed for child in market["childMarkets"] or []}
    assert set(stored(command)) == {str(market["marketId"]) for market in listed} | children
    run = command.last_run("markets")
    assert (run["status"], run["item_count"], run["failed_count"]) == ("completed", len(listed) + len(children), 0)


def test_a_categorical_market_reads_as_on_the_exchange(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)
    command("sync", "markets")
    parent = next(market for market in exchange.markets() if market["childMarkets"])
    child = parent["childMarkets"][0]

    columns = "market_type, parent_external_id, title, status, yes_token_id, volume_24h, cutoff_at, rules, url"
    (row,) = command.query(f"SELECT {columns} FROM markets WHERE external_id = ?", (str(child["marketId"]),))
    (parent_row,) = command.query(f"SELECT {columns} FROM markets WHERE external_id = ?", (str(parent["marketId"]),))

    assert row[:6] == (
        "child",
        str(parent["marketId"]),
        f"{parent['marketTitle']}: {child['marketTitle']}",
        "activated",
        child["yesTokenId"],
        None,
    )
    assert row[6:] == parent_row[6:], "what a child leaves out is what its parent says"
    assert parent_row[0] == "categorical"
    assert parent_row[3:5] == ("created", None)
    assert parent_row[8] == f"https://app.opinion.trade/detail?topicId={parent['marketId']}&type=multi"


def test_a_second_sync_changes_nothing_that_has_not_moved(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)
    command("sync", "markets")
    with closing(sqlite3.connect(command.database)) as connection, connection:
        connection.execute("UPDATE markets SET updated_at = '2026-01-01T00:00:00Z'")
    before = stored(command)
    moved = next(iter(before))
    exchange.rename_market(int(moved), "A new title")

    command("sync", "markets")

    changed = {key for key, row in stored(command).items() if row != before[key]}
    assert moved in changed
    assert all(before[key][2] == moved for key in changed - {moved}), "only it and its children"


def test_first_seen_at_stays_when_a_market_changes(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=5)
    trading(exchange)
    command("sync", "markets")
    sql = "SELECT external_id, first_seen_at FROM markets ORDER BY external_id"
    first_seen = command.query(sql)
    for market in exchange.markets():
        exchange.rename_market(market["marketId"], f"{market['marketTitle']} (renamed)")
    command("sync", "markets")
    assert command.query(sql) == first_seen
    assert all(title.count("(renamed)") == 1 for (title,) in command.query("SELECT title FROM markets"))


def test_a_market_that_closes_is_looked_up_until_its_final_state_is_stored(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    trading(exchange)
    command("sync", "markets")
    binary = next(market["marketId"] for market in exchange.markets() if not market["childMarkets"])
    parent = next(market for market in exchange.markets() if market["childMarkets"])
    exchange.close_market(binary, status=3)
    exchange.close_market(parent["marketId"], status=4)

    command("sync", "markets")

    sql = "SELECT status, resolved_at IS NOT NULL FROM markets WHERE external_id = ?"
    assert command.query(sql, (str(binary),)) == [("resolving", 0)]
    assert command.query(sql, (str(parent["marketId"]),)) == [("resolved", 1)]
    children = command.query(
        "SELECT DISTINCT status, result_token_id IS NOT NULL FROM markets WHERE parent_external_id = ?",
        (str(parent["marketId"]),),
    )
    assert children == [("resolved", 1)]

    exchange.close_market(binary, status=4)
    command("sync", "markets")
    assert command.query(sql, (str(binary),)) == [("resolved", 1)]


def test_a_market_in_a_final_state_is_not_asked_for_again(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    closed = next(market["marketId"] for market in exchange.markets() if not market["childMarkets"])
    exchange.close_market(closed, status=5)
    command("sync", "markets")
    server.forget()
    command("sync", "markets")
    assert not [request for request in server.requests if str(closed) in request.path]


def test_a_list_that_moves_between_two_pages_loses_nothing_for_good(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=120)
    pages = 0

    def move_the_list() -> float:
        nonlocal pages
        pages += 1
        newest = exchange.markets()[0]["marketId"]
        if pages % 2:
            exchange.open_market(f"Opened while page {pages} was read")
        else:
            exchange.close_market(newest, status=4)
        return 0.0

    server = trading(exchange, latency=move_the_list)
    first = command("sync", "markets")
    assert (first.returncode, first.stderr) == (0, "")
    server.latency = 0.0

    command("sync", "markets")

    listed = {str(market["marketId"]) for market in exchange.markets()}
    active = command.query(
        "SELECT external_id FROM markets WHERE parent_external_id IS NULL AND status IN ('activated', 'created')"
    )
    assert {row[0] for row in active} == listed


def test_one_market_that_cannot_be_read_is_counted_and_the_others_are_stored(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    server.faults.add(Fault("wrong_types", path_contains="page=1"))

    result = command("sync", "markets")

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    run = command.last_run("markets")
    assert (run["status"], run["failed_count"]) == ("partial", 1)
    assert "marketId: " in run["error"]
    assert len(command.query("SELECT 1 FROM markets WHERE parent_external_id IS NULL")) == 29


def test_an_upstream_that_fails_in_passing_is_asked_again(command: CommandLine, trading: Trading) -> None:
    server = trading(still_exchange(markets=30))
    server.faults.add(Fault("502_html", times=2))
    assert command("sync", "markets").returncode == 0
    assert command.last_run("markets")["request_count"] == 2 + 2


def test_an_upstream_that_is_down_fails_the_run_and_changes_no_row(command: CommandLine, trading: Trading) -> None:
    server = trading(still_exchange(markets=30))
    command("sync", "markets")
    before = stored(command)
    server.faults.add(Fault("500"))

    result = command("sync", "markets")

    assert result.returncode == 1
    assert "exchange error (HTTP 500)" in result.stderr
    assert command.last_run("markets")["status"] == "failed"
    assert stored(command) == before


def test_a_404_makes_up_no_state_for_a_market_that_has_left_the_list(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=6)
    server = trading(exchange)
    command("sync", "markets")
    binary = next(market["marketId"] for market in exchange.markets() if not market["childMarkets"])
    exchange.close_market(binary, status=4)
    server.faults.add(Fault("404_html", path_contains=f"/market/{binary}"))
    assert command("sync", "markets").returncode == 1
    assert "check OPINION_TRADE_BASE_URL" in command.last_run("markets")["error"]
    assert command.query("SELECT status FROM markets WHERE external_id = ?", (str(binary),)) == [("activated",)]

    server.faults.clear()
    assert command("sync", "markets").returncode == 0
    assert command.query("SELECT status FROM markets WHERE external_id = ?", (str(binary),)) == [("resolved",)]


def test_a_wrong_path_is_told_as_such(command: CommandLine, trading: Trading) -> None:
    trading(still_exchange(markets=6))
    result = command("sync", "markets", OPINION_TRADE_MARKETS_PATH="/no/such/path")
    assert result.returncode == 1
    assert result.stderr.startswith("opinionscope: markets failed: ")
    assert "404" in result.stderr
    run = command.last_run("markets")
    assert run["status"] == "failed"
    assert run["failed_count"] == run["request_count"] > 0
