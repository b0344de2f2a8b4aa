"""The fault matrix: whatever the exchange or the network does, a run ends in time and tells the truth, nothing wrong
is stored, everybody else is served, and nothing is lost once the fault has ended."""

import time
from collections import Counter

import pytest

from opinionscope.api.transport import ANSWER_SECONDS
from opinionscope.locks import beside
from opinionscope.simulator import Exchange, Fault
from opinionscope.simulator.faults import FAULTS
from tests.conftest import CommandLine, Trading
from tests.end_to_end.truth import (
    assert_no_trade_is_wrong,
    assert_trades_are_exact,
    stored_markets,
    stored_trades,
    true_markets,
)
from tests.rounds import some

WITHOUT_ITS_BUDGET = 45
"""How many seconds a run that heeds no budget would go on for at the least: the default is 50."""

ANSWER_FAULTS = {
    "500": "exchange error (HTTP 500)",
    "502_html": "exchange error (HTTP 502)",
    "404_html": "HTTP 404, not from the Opinion API",
    "403_html": "something between this machine and the exchange blocks it (HTTP 403",
    "451_html": "something between this machine and the exchange blocks it (HTTP 451",
    "errno_10004": "the exchange failed internally (10004)",
    "503": "exchange error (HTTP 503)",
    "503_retry_after": "exchange error (HTTP 503)",
    "errno_nonzero": "20001 (temporary trouble)",
    "empty_body": "no JSON (0 bytes",
    "truncated_json": "no JSON",
    "html_200": "no JSON",
    "list_instead_of_object": "JSON list, not an object",
    "string_instead_of_object": "JSON str, not an object",
    "number_instead_of_object": "JSON int, not an object",
    "redirect_other_host": "redirects elsewhere (HTTP 302)",
    "reset_before_answer": "the connection broke",
    "reset_in_body": "the connection broke",
    "huge_body": "larger than 8 MiB",
    "gzip_bomb": "larger than 8 MiB",
    "missing_result": "the result has no list",
    "null_result": "the result has no list",
    "missing_list": "the result has no list",
    "list_is_object": "the list is a JSON dict",
    "total_wrong_type": "is not a count",
}
"""Faults that make an answer useless, and what is said of each."""

ITEM_FAULTS = {
    "item_not_object": "an item: it: Input should be a valid dictionary",
    "missing_fields": "marketId: Field required",
    "wrong_types": "marketId: Input should be a valid string",
    "nan": "finite number",
    "infinite": "finite number",
    "negative": "greater than or equal to 0",
    "absurd": "less than or equal to",
}
"""Faults that spoil one item of a page; the others are stored."""

LIST_FAULTS = {
    "null_list": ("the list is empty and has a total of", "page 2 of the list came empty"),
    "same_page_forever": (None, "page 2 of the list shows once more"),
}
"""Faults of the list as a whole: what is said of a wallet's, and of page 2 of the markets.

A wallet's list that shows one page again and again is one of which the exchange lists only the newest trades: it is
read no further and is never called complete.
"""

HARMLESS = ("wrong_content_type", "odd_headers", "total_zero", "total_huge", "total_random")
"""Faults that a reader of the contents need not mind."""

STORMS = ("429", "429_no_retry_after", "429_retry_after_date")
OF_THE_WHOLE_RUN = {*STORMS, "401", "errno_11002", "geo_block_2025", "geo_block_2026", "hang", "drip"}
ELSEWHERE = {"hostile_text", "echo_key", "cut_title", "page_of_10", "ignored_page"}

WALLET_FAULTS: dict[str, str | None] = {
    **ANSWER_FAULTS,
    **ITEM_FAULTS,
    **{name: said[0] for name, said in LIST_FAULTS.items()},
    **dict.fromkeys(HARMLESS),
}
PAGE_FAULTS: dict[str, str | None] = {
    **ANSWER_FAULTS,
    **ITEM_FAULTS,
    **{name: said[1] for name, said in LIST_FAULTS.items()},
    **dict.fromkeys(HARMLESS),
}


AS_A_WHOLE = {
    **dict.fromkeys([*ANSWER_FAULTS, "null_list"], "failed"),
    **dict.fromkeys([*ITEM_FAULTS, "same_page_forever"], "partial"),
    **dict.fromkeys(HARMLESS, "completed"),
}
"""How a run ends that meets the fault with every request."""


def still_exchange(**options: object) -> Exchange:
    """An exchange in which nothing moves but what a test moves."""
    defaults: dict[str, object] = {"seed": 17, "markets": 60, "wallets": 3, "history": 45}
    return Exchange(**(defaults | {"trades_per_minute": 0, "market_churn_per_minute": 0} | options))  # type: ignore[arg-type]


def test_the_matrix_knows_every_fault_of_the_exchange() -> None:
    assert WALLET_FAULTS.keys() | OF_THE_WHOLE_RUN | ELSEWHERE == FAULTS.keys()


def test_each_wallet_with_its_own_fault_and_nothing_wrong_lost_or_left_unserved(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(wallets=len(WALLET_FAULTS) + 3)
    server = trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    faulty = dict(zip(exchange.wallets, WALLET_FAULTS.items(), strict=False))

    for _ in some(["a first sync", "a later one, with news"], ["a first sync"]):
        for wallet, (name, _said) in faulty.items():
            server.faults.add(Fault(name, path_contains=wallet))
        for wallet in exchange.wallets:
            exchange.add_trades(wallet, [exchange.make_trade(wallet) for _ in range(2)])
        result = command("sync", "whales")

        run = command.last_run("whales")
        assert (result.returncode, run["status"]) == (1, "partial")
        assert run["failed_count"] >= sum(said is not None for said in WALLET_FAULTS.values())
        errors = dict(command.query("SELECT address, last_error FROM whales"))
        for wallet, (name, said) in faulty.items():
            assert (said in (errors[wallet] or "")) if said else errors[wallet] is None, (name, errors[wallet])
        assert_no_trade_is_wrong(command, exchange)
        served = sum(stored_trades(command, wallet).total() for wallet in exchange.wallets)
        assert served == command.query("SELECT sum(item_count) FROM sync_logs WHERE type = 'whales'")[0][0]
        healthy = [wallet for wallet in exchange.wallets if wallet not in faulty]
        assert_trades_are_exact(command, exchange, healthy)

        server.faults.clear()
        for _ in range(2):
            assert command("sync", "whales").returncode == 0
        assert_trades_are_exact(command, exchange)
        assert command.query("SELECT DISTINCT last_error FROM whales") == [(None,)]


def test_every_other_page_of_markets_with_its_own_fault_and_nothing_wrong_or_lost(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(markets=40 * (len(PAGE_FAULTS) + 1))
    server = trading(exchange)
    for number, name in enumerate(PAGE_FAULTS, start=1):
        server.faults.add(Fault(name, path_contains=f"page={2 * number}&"))

    assert command("sync", "markets").returncode == 1

    run, stored = command.last_run("markets"), stored_markets(command)
    assert (run["status"], run["failed_count"]) == ("partial", len(PAGE_FAULTS) - len(HARMLESS))
    assert "; and " in run["error"]
    assert run["item_count"] == stored.total()
    assert stored - true_markets(exchange) == Counter()
    lost = len(ANSWER_FAULTS) + len(LIST_FAULTS)
    parents = sum(row[1] != "child" for row in stored)
    assert parents == len(exchange.markets()) - 20 * lost - len(ITEM_FAULTS), "all but what could not be read"

    server.faults.clear()
    assert command("sync", "markets").returncode == 0
    assert stored_markets(command) == true_markets(exchange)


@pytest.mark.parametrize("name", some(PAGE_FAULTS, ["502_html", "gzip_bomb", "nan", "null_list", "same_page_forever"]))
def test_a_faulty_page_of_markets_is_told_of_the_others_are_stored_and_the_next_run_has_all(
    command: CommandLine, trading: Trading, name: str
) -> None:
    exchange = still_exchange()
    server = trading(exchange)
    server.faults.add(Fault(name, path_contains="page=2"))
    said = PAGE_FAULTS[name]

    result = command("sync", "markets")

    run = command.last_run("markets")
    true, stored = true_markets(exchange), stored_markets(command)
    assert stored - true == Counter()
    assert run["item_count"] == stored.total()
    if said is None:
        assert (result.returncode, run["status"], stored) == (0, "completed", true)
    else:
        assert (result.returncode, run["status"], run["failed_count"]) == (1, "partial", 1)
        assert said in run["error"]
        assert said in result.stderr
    parents = sum(row[1] != "child" for row in stored)
    assert parents == (60 if said is None else 59 if name in ITEM_FAULTS else 40), "the other pages"

    server.faults.clear()
    renamed = exchange.markets()[25]
    exchange.rename_market(renamed["marketId"], "Another title", categorical=renamed["marketType"] == 1)
    assert command("sync", "markets").returncode == 0
    assert stored_markets(command) == true_markets(exchange)


@pytest.mark.parametrize("name", some(AS_A_WHOLE, ["500", "same_page_forever"]))
def test_a_fault_everywhere_ends_the_run_in_its_budget_and_passes(
    command: CommandLine, trading: Trading, name: str
) -> None:
    exchange = still_exchange(wallets=25)
    server = trading(exchange)
    command.settings |= {"OPINIONSCOPE_RETENTION_DAYS": "36500", "OPINIONSCOPE_RUN_BUDGET": "3"}
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault(name))
    for job in ("markets", "whales"):
        began = time.monotonic()
        command("sync", job)
        assert time.monotonic() - began < WITHOUT_ITS_BUDGET
        # A wallet's list that shows its first page again and again is one that is cut: no run fails for that.
        is_cut = (job, name) == ("whales", "same_page_forever")
        assert command.last_run(job)["status"] == ("completed" if is_cut else AS_A_WHOLE[name])
    assert_no_trade_is_wrong(command, exchange)
    assert stored_markets(command) - true_markets(exchange) == Counter()

    server.faults.clear()
    del command.settings["OPINIONSCOPE_RUN_BUDGET"]
    for job in ("markets", "whales", "whales"):
        assert command("sync", job).returncode == 0
    assert_trades_are_exact(command, exchange)
    assert stored_markets(command) == true_markets(exchange)


def test_a_page_that_comes_for_every_page_is_not_taken_for_more_trades_where_a_reading_goes_on(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(wallets=1, history=60)
    server = trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault("errno_nonzero", path_contains="page=3"))
    command("sync", "whales")
    assert command.query("SELECT listed_newest FROM whales") == [(40,)]
    server.faults.clear()
    server.faults.add(Fault("same_page_forever"))
    assert command("sync", "whales").returncode == 0
    assert_no_trade_is_wrong(command, exchange)
    server.faults.clear()
    command("whales", "reread", *exchange.wallets)
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
    assert_trades_are_exact(command, exchange)


@pytest.mark.parametrize("name", some(STORMS, ["429_no_retry_after"]))
def test_a_storm_of_429_ends_in_the_budget_and_is_counted(command: CommandLine, trading: Trading, name: str) -> None:
    exchange = still_exchange()
    server = trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault(name))
    for job in ("markets", "whales"):
        began = time.monotonic()
        result = command("sync", job, OPINIONSCOPE_RUN_BUDGET="1")
        run = command.last_run(job)
        assert time.monotonic() - began < WITHOUT_ITS_BUDGET
        assert (result.returncode, run["status"], run["item_count"]) == (1, "failed", 0)
        assert "the exchange a" in run["error"], "asks for fewer requests or a pause, or allows none in time"
    assert server.count(429) == command.query("SELECT sum(throttled_count) FROM sync_logs")[0][0] > 0

    server.faults.clear()
    beside(command.database, "pacer").unlink()  # as after the minutes in which the rate climbs back
    for job in ("markets", "whales"):
        assert command("sync", job).returncode == 0
    assert_trades_are_exact(command, exchange)
    assert stored_markets(command) == true_markets(exchange)


@pytest.mark.parametrize("name", ["401", "errno_11002"])
def test_a_key_that_is_refused_half_way_stops_the_run_and_what_was_stored_is_counted(
    command: CommandLine, trading: Trading, name: str
) -> None:
    exchange = still_exchange()
    server = trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault(name, path_contains="page=3"))
    for job in ("markets", "whales"):
        result = command("sync", job)
        run = command.last_run(job)
        assert (result.returncode, run["status"]) == (78, "failed")
        assert "Check OPINION_TRADE_API_KEY" in result.stderr
        table = "markets" if job == "markets" else "whale_activity"
        assert run["item_count"] == command.query(f"SELECT count(*) FROM {table}")[0][0] > 0
    assert_no_trade_is_wrong(command, exchange)

    server.faults.clear()
    for job in ("markets", "whales"):
        assert command("sync", job).returncode == 0
    assert_trades_are_exact(command, exchange)
    assert stored_markets(command) == true_markets(exchange)


def test_an_exchange_that_hangs_or_drips_is_cut_off_soon_after_the_budget(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange()
    command("whales", "add", *exchange.wallets)
    runs = {}
    began = time.monotonic()
    for name, job in (("hang", "markets"), ("drip", "whales")):
        server = trading(exchange)
        server.faults.add(Fault(name, path_contains="page=2" if job == "markets" else exchange.wallets[0]))
        budget = {"OPINIONSCOPE_RUN_BUDGET": "1", "OPINIONSCOPE_RETENTION_DAYS": "36500"}
        runs[job] = command.start("sync", job, **budget)
    for job, process in runs.items():
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 1
        assert time.monotonic() - began < ANSWER_SECONDS, "the time that an answer may take on its own"
        assert "the answer took too long and was cut off" in stderr
        run = command.last_run(job)
        assert (run["status"], run["failed_count"]) == ("partial", 1)
    assert [bool(stored_trades(command, wallet)) for wallet in exchange.wallets] == [False, True, True]


@pytest.mark.parametrize("hours", [-240, 240])
def test_a_clock_that_is_wrong_loses_no_trade(command: CommandLine, trading: Trading, hours: int) -> None:
    """By so many hours is the exchange's clock, which is right, ahead of that of the machine."""
    exchange = still_exchange(clock=lambda: time.time() + hours * 3_600, history=25)
    trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "121"
    command("whales", "add", *exchange.wallets)
    for _ in range(2):
        for wallet in exchange.wallets:
            exchange.add_trades(wallet, [exchange.make_trade(wallet)])
        assert command("sync", "whales").returncode == 0
        known = command.query("SELECT known_trades FROM whales ORDER BY address")
        assert known == [(len(exchange.visible_trades(wallet)),) for wallet in sorted(exchange.wallets)]
        assert_no_trade_is_wrong(command, exchange)
    for words in (["stats"], ["sync", "markets"]):
        assert command(*words).returncode == 0
    assert stored_markets(command) == true_markets(exchange)
