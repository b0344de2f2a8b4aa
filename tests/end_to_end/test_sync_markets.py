"""`sync markets` as cron runs it, against the simulated exchange."""

import sqlite3
from contextlib import closing

from opinionscope.simulator import Fault
from tests.conftest import CommandLine, Trading
from tests.end_to_end.still_markets import (
    binaries,
    listed_keys,
    still_exchange,
    stored,
    topics,
)


def test_every_market_is_stored_parents_and_children_included(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)

    result = command("sync", "markets")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert set(stored(command)) == listed_keys(exchange)
    run = command.last_run("markets")
    assert (run["status"], run["item_count"], run["failed_count"]) == ("completed", len(listed_keys(exchange)), 0)


def test_a_categorical_market_reads_as_on_the_exchange(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)
    command("sync", "markets")
    parent = topics(exchange)[0]
    child = parent["childMarkets"][0]
    row = stored(command)[str(child["marketId"]), False]
    parent_row = stored(command)[str(parent["marketId"]), True]

    assert (row["market_type"], row["parent_external_id"]) == ("child", str(parent["marketId"]))
    assert row["title"] == f"{parent['marketTitle']}: {child['marketTitle']}"
    assert (row["status"], row["yes_token_id"], row["volume_24h"]) == ("activated", child["yesTokenId"], None)
    for column in ("cutoff_at", "rules", "url"):
        assert row[column] == parent_row[column], "what a child leaves out is what its parent says"
    assert (parent_row["market_type"], parent_row["status"], parent_row["yes_token_id"]) == (
        "categorical",
        "activated",
        None,
    )
    assert parent_row["url"] == f"https://app.opinion.trade/detail?topicId={parent['marketId']}&type=multi"


def test_a_second_sync_changes_nothing_that_has_not_moved(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange()
    trading(exchange)
    command("sync", "markets")
    with closing(sqlite3.connect(command.database)) as connection, connection:
        connection.execute("UPDATE markets SET updated_at = '2026-01-01T00:00:00Z'")
    moved = str(topics(exchange)[0]["marketId"])
    for title in ("A new title", "Another one"):
        before = stored(command)
        exchange.rename_market(int(moved), title, categorical=True)

        command("sync", "markets")

        changed = {key for key, row in stored(command).items() if row != before[key]}
        assert (moved, True) in changed
        children = {key for key, row in before.items() if row["parent_external_id"] == moved}
        assert changed == {(moved, True)} | children, "only it and its children"


def test_first_seen_at_stays_when_a_market_changes(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=5)
    trading(exchange)
    command("sync", "markets")
    sql = "SELECT external_id, market_type, first_seen_at FROM markets ORDER BY external_id, market_type"
    first_seen = command.query(sql)
    for market in exchange.markets():
        title = f"{market['marketTitle']} (renamed)"
        exchange.rename_market(market["marketId"], title, categorical=market["marketType"] == 1)
    command("sync", "markets")
    assert command.query(sql) == first_seen
    assert all(title.count("(renamed)") == 1 for (title,) in command.query("SELECT title FROM markets"))


def test_a_market_that_closes_is_looked_up_until_its_final_state_is_stored(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=30)
    trading(exchange)
    command("sync", "markets")
    binary = next(number for number in binaries(exchange) if number % 5)
    key = (str(binary), False)
    exchange.close_market(binary, status=3)
    command("sync", "markets")
    assert stored(command)[key]["status"] == "resolving"

    exchange.close_market(binary, status=4)
    command("sync", "markets")
    row = stored(command)[key]
    winner = row["yes_token_id" if exchange.winning_side(binary) == 1 else "no_token_id"]
    assert (row["status"], row["resolved_at"] is None, row["result_token_id"]) == ("resolved", False, winner)


def test_a_market_in_a_final_state_is_not_asked_for_again(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=30)
    server = trading(exchange)
    command("sync", "markets")
    closed = binaries(exchange)[0]
    exchange.close_market(closed, status=5)
    command("sync", "markets")
    server.forget()
    command("sync", "markets")
    assert {request.path for request in server.requests} == {"/openapi/market"}


def test_a_list_that_moves_between_two_pages_loses_nothing_for_good(command: CommandLine, trading: Trading) -> None:
    exchange = still_exchange(markets=120)
    pages = 0

    def move_the_list() -> float:
        nonlocal pages
        pages += 1
        newest = exchange.markets()[0]
        if pages % 2:
            exchange.open_market(f"Opened while page {pages} was read")
        else:
            exchange.close_market(newest["marketId"], status=4, categorical=newest["marketType"] == 1)
        return 0.0

    server = trading(exchange, latency=move_the_list)
    first = command("sync", "markets")
    assert (first.returncode, first.stderr) == (0, "")
    server.latency = 0.0

    command("sync", "markets")

    active = {key for key, row in stored(command).items() if row["status"] == "activated"}
    assert active == listed_keys(exchange)


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
    binary = binaries(exchange)[0]
    exchange.close_market(binary, status=4)
    server.faults.add(Fault("404_html", path_contains=f"/market/{binary}"))
    assert command("sync", "markets").returncode == 1
    assert "check OPINION_TRADE_BASE_URL" in command.last_run("markets")["error"]
    assert stored(command)[str(binary), False]["status"] == "activated"

    server.faults.clear()
    assert command("sync", "markets").returncode == 0
    assert stored(command)[str(binary), False]["status"] == "resolved"


def test_a_wrong_path_is_told_as_such(command: CommandLine, trading: Trading) -> None:
    trading(still_exchange(markets=6))
    result = command("sync", "markets", OPINION_TRADE_MARKETS_PATH="/no/such/path")
    assert result.returncode == 1
    assert result.stderr.startswith("opinionscope: markets failed: ")
    assert "404" in result.stderr
    run = command.last_run("markets")
    assert run["status"] == "failed"
    assert run["failed_count"] == run["request_count"] > 0
