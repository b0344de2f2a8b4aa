"""One page, one lookup or one market does what it likes: the other markets are stored."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.end_to_end.truth import stored_markets, true_markets
from tests.isolation.bad_answers import FRAMING, HEADERS, STATUSES
from tests.isolation.conftest import Misbehaving
from tests.isolation.misbehaving import Bend, with_body
from tests.rounds import some

PAGE_ANSWERS = {**HEADERS, **FRAMING, **STATUSES}
CUT = "Rain \ud83d"


def _first_item(change: Callable[[dict[str, Any]], None]) -> Bend:
    """The honest page or detail with its first market changed."""

    def edited(body: bytes) -> bytes:
        document = json.loads(body)
        result = document["result"]
        change(result["data"] if "data" in result else result["list"][0])
        return json.dumps(document).encode()

    return with_body(edited)


def _stored_ids(command: CommandLine) -> set[tuple[str, str]]:
    return set(command.query("SELECT external_id, market_type FROM markets"))


def _cut_all_texts(market: dict[str, Any]) -> None:
    for name in ("marketTitle", "yesLabel", "noLabel", "yesTokenId", "noTokenId", "slug", "rules", "quoteToken"):
        market[name] = CUT
    market["labels"] = [CUT]


@pytest.mark.parametrize(
    "name", some(PAGE_ANSWERS, ["an interim answer", "403 without an envelope", "a redirect that is not UTF-8"])
)
def test_a_page_of_markets_with_a_bad_answer_costs_that_page_alone(
    command: CommandLine, misbehaving: Misbehaving, name: str
) -> None:
    exchange, server = misbehaving(0)
    bend, said = PAGE_ANSWERS[name]
    server.bent = {"page=2&": bend}
    result = command("sync", "markets")

    run = command.last_run("markets")
    assert (result.returncode, run["failed_count"]) == ((1, 1) if said else (0, 0))
    assert (said or "") in (run["error"] or "")
    lost = true_markets(exchange) - stored_markets(command)
    assert stored_markets(command) - true_markets(exchange) == lost - lost
    assert sum(row[2] is None for row in lost) == (20 if said else 0)


def test_texts_cut_in_a_surrogate_pair_are_stored_with_a_sign_for_it(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    exchange, server = misbehaving(0)

    def cut(market: dict[str, Any]) -> None:
        _cut_all_texts(market)
        for child in market["childMarkets"] or []:
            _cut_all_texts(child)

    def cut_all(body: bytes) -> bytes:
        document = json.loads(body)
        for market in document["result"]["list"]:
            cut(market)
        return json.dumps(document).encode()

    server.bent = {"/market?": with_body(cut_all)}
    assert command("sync", "markets").returncode == 0
    columns = "title, yes_label, no_label, yes_token_id, no_token_id, slug, rules, quote_token"
    assert set(command.query(f"SELECT {columns}, labels FROM markets WHERE market_type = 'binary'")) == {
        ("Rain �",) * 8 + ('["Rain �"]',)
    }
    assert set(command.query("SELECT title FROM markets WHERE market_type = 'child'")) == {("Rain �: Rain �",)}
    assert len(_stored_ids(command)) == true_markets(exchange).total()


def test_a_market_that_left_the_list_and_whose_title_is_cut_is_looked_up_once(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    exchange, server = misbehaving(0)
    command("sync", "markets")
    closed = next(market["marketId"] for market in exchange.markets() if not market["childMarkets"])
    exchange.close_market(closed, status=4)
    server.bent = {f"/market/{closed}": _first_item(_cut_all_texts)}
    assert command("sync", "markets").returncode == 0
    stored = command.query("SELECT title, status FROM markets WHERE external_id = ?", (str(closed),))
    assert stored == [("Rain �", "resolved")]
    server.forget()
    assert command("sync", "markets").returncode == 0
    assert not [request for request in server.requests if request.path.endswith(f"/{closed}")]


def test_a_market_with_too_many_children_costs_that_market_alone(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    exchange, server = misbehaving(0)
    spoiled: list[str] = []

    def bear(market: dict[str, Any]) -> None:
        spoiled.append(str(market["marketId"]))
        market["childMarkets"] = [0] * 5_000

    server.bent = {"page=2&": _first_item(bear)}
    assert command("sync", "markets").returncode == 1
    assert command.last_run("markets")["error"] == f"market {spoiled[0]}: the list has 5000 entries"
    assert (spoiled[0], "categorical") not in _stored_ids(command)
    family = 1 + len(next(m for m in exchange.markets() if str(m["marketId"]) == spoiled[0])["childMarkets"] or [])
    assert len(_stored_ids(command)) == true_markets(exchange).total() - family


def test_a_firewall_that_blocks_every_request_ends_the_run_after_a_few(
    command: CommandLine, misbehaving: Misbehaving
) -> None:
    _, server = misbehaving(60)
    server.bent = {"/": STATUSES["403 without an envelope"][0]}
    for job, few in (("markets", range(3, 17)), ("whales", range(5, 41))):
        server.forget()
        result = command("sync", job)
        assert "something between this machine and the exchange blocks it (HTTP 403" in result.stderr
        assert "OPINION_TRADE_API_KEY" not in result.stderr
        assert command.last_run(job)["status"] == "failed"
        assert len(server.requests) in few
