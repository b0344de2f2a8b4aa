"""`dashboard` over HTTP: every chart has its data, nothing can be written, and texts from outside stay texts."""

import json
import re
import shutil
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

import opinionscope
from opinionscope.store.shards import TRACKED_HERE
from tests.conftest import CommandLine
from tests.dashboard.dashboard_site import HOSTILE, KEY, SCRIPT, SOME_CONSENSUS, ask, fill, served, served_empty

pytest.importorskip("datasette_dashboards", reason="the extra `dashboard` is not installed")

from datasette_dashboards import replace_opts_in_query

from opinionscope.dashboard.plugin import moments
from opinionscope.dashboard.site import ReadOnlyDatabase, build_site

CHARTS = {
    "whale": {"record", "profit", "positions", "questions", "orders"},
    "sync-health": {"summary", "jobs", "runs", "requests", "durations", "items", "failures"},
    "whales": {"summary", "by-volume", "by-profit", "volume-per-day", "leaderboard", "incomplete"},
    "activity": {"volume", "markets", "trades"},
    "consensus": {"agreements"},
    "signals": {"summary", "rules", "per-day", "latest"},
    "markets": {"summary", "by-volume", "closing-per-day", "closing-soon", "largest"},
}
EVERY_CHART = [(page, chart) for page, charts in CHARTS.items() for chart in sorted(charts)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return fill(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="module")
def site(stored: CommandLine) -> Iterator[str]:
    with served(stored) as address:
        yield address


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_empty(tmp_path_factory.mktemp("empty")) as address:
        yield address


def rows(site: str, page: str, chart: str, **filters: str) -> list[dict[str, Any]]:
    status, body, headers = ask(f"{site}/-/chart-data/{page}/{chart}?{urlencode(filters)}")
    assert status == 200, body
    assert headers["content-type"].startswith("application/json")
    found: list[dict[str, Any]] = json.loads(body)
    return found


def best_whale(stored: CommandLine) -> str:
    """The tracked wallet with the most decided questions, as the pages name it."""
    (row,) = stored.query(
        "SELECT trim(ifnull(name, '') || ' ' || address) FROM whales WHERE net_profit IS NOT NULL "
        "ORDER BY decided_questions DESC LIMIT 1"
    )
    return str(row[0])


@pytest.mark.parametrize("page", CHARTS)
def test_every_dashboard_has_its_charts(site: str, page: str) -> None:
    status, body, _ = ask(f"{site}/-/dashboards/{page}?whale=0x")

    assert status == 200
    assert set(re.findall(rf'data-url="/-/chart-data/{page}/([a-z-]+)["?]', body)) == CHARTS[page]


@pytest.mark.parametrize(("page", "chart"), EVERY_CHART)
def test_every_chart_has_data_and_a_page_of_its_own(stored: CommandLine, site: str, page: str, chart: str) -> None:
    filters = {"whale": best_whale(stored)} if page == "whale" else SOME_CONSENSUS if page == "consensus" else {}
    assert rows(site, page, chart, **filters)
    assert ask(f"{site}/-/dashboards/{page}/{chart}")[0] == 200


@pytest.mark.parametrize(("page", "chart"), EVERY_CHART)
def test_every_chart_stands_an_empty_database_and_odd_filters(empty_site: str, page: str, chart: str) -> None:
    odd = {
        "whale": "'; --",
        "min_whales": "1e9",
        "min_exposure": "nan",
        "tag": "a b",
        "rule": "[[",
        "state": "?",
        "market": '%_"\\',
        "min_amount": "much",
        "job": "[[x]]",
    }

    assert isinstance(rows(empty_site, page, chart), list)
    assert isinstance(rows(empty_site, page, chart, **odd), list)


def test_the_front_door_leads_to_all_dashboards(site: str) -> None:
    status, body, _ = ask(f"{site}/")

    assert status == 200
    assert set(re.findall(r'href="/-/dashboards/([a-z-]+)"', body)) == set(CHARTS) - {"whale"}


def test_the_page_of_a_whale_asks_which_one_and_shows_no_other(stored: CommandLine, site: str) -> None:
    whale = best_whale(stored)
    address = whale[-42:]

    assert "Choose a wallet" in ask(f"{site}/-/dashboards/whale")[1]
    assert rows(site, "whale", "positions") == []
    expected = "SELECT count(*) FROM position_figures WHERE state = 'open' AND whale_address = ?"
    assert len(rows(site, "whale", "positions", whale=whale)) == stored.query(expected, (address,))[0][0]
    assert rows(site, "whale", "profit", whale=address) == rows(site, "whale", "profit", whale=whale)


def test_the_page_of_a_whale_and_the_command_show_the_same_orders(stored: CommandLine, site: str) -> None:
    address = best_whale(stored)[-42:]
    listed = json.loads(stored("activity", "--orders", "--whale", address, "--json").stdout)
    shown = rows(site, "whale", "orders", whale=address)

    assert [{**row, "fills": int(row["fills"][1:])} | {"url": None} for row in shown] == [
        {**order, "url": None} for order in listed
    ]


def test_the_consensus_page_and_the_command_agree(stored: CommandLine, site: str) -> None:
    words = ("consensus", "--min-whales", "2", "--min-exposure", "0", "--limit", "100", "--json")
    listed = [(each["title"], each["whales"], each["exposure"]) for each in json.loads(stored(*words).stdout)]
    shown = rows(site, "consensus", "agreements", **SOME_CONSENSUS)

    assert [(row["market"], row["whales"], pytest.approx(row["exposure"])) for row in shown] == listed
    assert rows(site, "consensus", "agreements", **SOME_CONSENSUS | {"tag": "nobody"}) == []


def test_the_signals_of_a_rule_are_shown_with_what_they_tell(stored: CommandLine, site: str) -> None:
    listed = json.loads(stored("signals", "--json", "--limit", "200").stdout)
    shown = rows(site, "signals", "latest", rule="any")

    assert [(row["detected_at"], row["state"], row["amount"]) for row in shown] == [
        (signal["detected_at"], signal["state"], signal["amount"]) for signal in listed
    ]
    assert all(row["whale"] and row["market"] and row["outcome"] for row in shown)
    assert rows(site, "signals", "latest", state="failed") == []


def test_every_page_says_as_of_when_and_a_refresh_keeps_the_filters(stored: CommandLine, site: str) -> None:
    ((synced,),) = stored.query("SELECT max(ended_at) FROM sync_logs WHERE type = 'whales' AND status = 'completed'")
    for page in CHARTS:
        body = ask(f"{site}/-/dashboards/{page}?whale=0x12&rule=any&tag=t&job=stats")[1]
        assert f'datetime="{synced}"' in body
        refresh = re.search(r'href="([^"]*)">Refresh</a>', body)
        assert refresh
        kept = {"whale": "whale=0x12", "activity": "whale=0x12", "signals": "rule=any", "consensus": "tag=t"}
        assert refresh[1].endswith(kept.get(page, "job=stats" if page == "sync-health" else page))


@pytest.mark.parametrize("path", ["/opinionscope", "/opinionscope/whales", "/opinionscope/whales/1", "/nothing"])
def test_the_pages_of_the_tables_lead_back(site: str, path: str) -> None:
    body = ask(f"{site}{path}")[1]
    assert 'href="/-/dashboards"' in body
    if path != "/nothing":
        assert 'href="/-/dashboards/whales"' in body


def test_the_profit_of_a_whale_adds_up_to_its_net_profit(stored: CommandLine, site: str) -> None:
    whale = best_whale(stored)
    (figures,) = rows(site, "whale", "record", whale=whale)

    assert rows(site, "whale", "profit", whale=whale)[-1]["net_profit"] == pytest.approx(figures["net_profit"])


def test_a_withheld_profit_is_shown_nowhere(stored: CommandLine, tmp_path: Path) -> None:
    address = best_whale(stored)[-42:]
    copy = CommandLine(tmp_path, tmp_path / "copy.db")
    shutil.copy(stored.database, copy.database)
    with closing(sqlite3.connect(copy.database)) as connection, connection:
        connection.execute(
            "UPDATE whales SET net_profit = NULL, record_withheld = 'history catching up' WHERE address = ?", (address,)
        )

    with served(copy) as site:
        (figures,) = rows(site, "whale", "record", whale=address)
        assert (figures["withheld"], figures["interval"]) == ("withheld: history catching up",) * 2
        assert (figures["void_cost"], figures["record"]) == (0, None)
        assert rows(site, "whale", "profit", whale=address) == rows(site, "whale", "questions", whale=address) == []
        (row,) = [row for row in rows(site, "whales", "leaderboard") if row["choice"].endswith(address)]
        assert (row["net_profit"], row["record"]) == (None, "– history catching up")


def test_the_filters_of_activity_leave_only_what_they_name(stored: CommandLine, site: str) -> None:
    address, name, title = stored.query(
        "SELECT address, name, market_title FROM whale_activity JOIN whales ON address = whale_address "
        "WHERE name IS NOT NULL AND amount > 0 ORDER BY timestamp DESC LIMIT 1"
    )[0]
    amount = stored.query("SELECT amount FROM whale_activity ORDER BY amount DESC LIMIT 1 OFFSET 20")[0][0]

    def shown(**filters: str) -> list[dict[str, Any]]:
        found = rows(site, "activity", "trades", **filters)
        assert found
        return found

    assert {row["choice"] for row in shown(whale=f"{name} {address}")} == {f"{name} {address}"}
    assert {row["choice"] for row in shown(whale=f" {address.upper().replace('0X', '0x')} ")} == {f"{name} {address}"}
    assert {row["market"] for row in shown(market=title.upper())} == {title}
    assert {row["market"] for row in shown(market=title, whale=address)} == {title}
    assert min(row["amount"] for row in shown(min_amount=str(amount))) >= amount


def test_a_trade_is_shown_once_beside_its_market_though_a_topic_has_the_same_number(
    stored: CommandLine, site: str
) -> None:
    topics = "SELECT external_id FROM markets WHERE market_type = 'categorical'"
    both = f"SELECT count(*) FROM whale_activity WHERE market_external_id IN ({topics})"
    assert stored.query(f"{both} AND timestamp >= datetime('now', '-29 days')")[0][0] > 0
    found = rows(site, "activity", "trades")
    sql = "SELECT timestamp, action, amount FROM whale_activity ORDER BY timestamp DESC, id DESC LIMIT ?"
    assert 0 < len(found) <= 200
    assert [(row["timestamp"], row["action"], row["amount"]) for row in found] == stored.query(sql, (len(found),))


@pytest.mark.parametrize(
    "filters", [{}, {"market": "x"}, {"whale": "x"}, {"min_amount": "5"}, {"market": "x", "whale": "x"}]
)
@pytest.mark.parametrize("chart", sorted(CHARTS["activity"]))
def test_activity_never_walks_through_all_trades(stored: CommandLine, chart: str, filters: dict[str, str]) -> None:
    given = {"whale": "", "market": "", "min_amount": ""} | filters
    charts = build_site(stored.database, 15).plugin_config("datasette-dashboards")["activity"]["charts"]
    sql = replace_opts_in_query(" ".join(charts[chart]["query"].split()), given)

    with closing(ReadOnlyDatabase(None, path=str(stored.database)).connect()) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", moments() | given)]

    assert [step for step in plan if "whale_activity_" in step]
    assert not [step for step in plan if re.match(r"SCAN (whale_activity|trade)\b(?!.* USING .*INDEX)", step)]


@pytest.mark.parametrize("chart", sorted(CHARTS["whale"] - {"orders"}))
def test_the_page_of_a_whale_reads_no_other_whales(stored: CommandLine, chart: str) -> None:
    charts = build_site(stored.database, 15).plugin_config("datasette-dashboards")["whale"]["charts"]
    sql = replace_opts_in_query(" ".join(charts[chart]["query"].split()), {"whale": "x"})

    with closing(ReadOnlyDatabase(None, path=str(stored.database)).connect()) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", moments() | {"whale": "x"})]

    assert not [step for step in plan if re.match(r"SCAN (whale|position|trade|market)", step)]


def test_only_links_to_the_exchange_are_handed_to_the_page(site: str) -> None:
    trades, markets = rows(site, "activity", "trades"), rows(site, "markets", "largest")

    assert {row["url"].split("?")[0] for row in trades + markets if "url" in row} == {
        "https://app.opinion.trade/detail"
    }
    assert [row for row in trades if row["market"] == HOSTILE[0] and "url" not in row]
    assert [row for row in markets if row["title"] == HOSTILE[2] and "url" not in row]


@pytest.mark.parametrize(
    "path", [*(f"/-/dashboards/{page}" for page in CHARTS), "/-/dashboards", "/opinionscope/whales"]
)
def test_hostile_texts_are_escaped_and_nothing_is_loaded_from_elsewhere(site: str, path: str) -> None:
    status, body, headers = ask(f"{site}{path}?" + urlencode({"market": SCRIPT, "whale": SCRIPT, "job": SCRIPT}))

    assert status == 200
    assert SCRIPT not in body
    assert "<img" not in body
    assert not re.findall(r"""(?:src|action|data-url)=["']?(?:https?:)?//""", body)
    assert not re.findall(r"<link[^>]*(?:https?:)?//", body.replace(site, ""))
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("page", CHARTS)
def test_no_dashboard_may_run_a_script_that_is_written_into_it(site: str, page: str) -> None:
    _, body, headers = ask(f"{site}/-/dashboards/{page}")

    assert "script-src 'self';" in headers["content-security-policy"]
    assert not re.findall(r"<script(?![^>]*src=)", body)
    assert not re.findall(r"<[^>]*\son[a-z]+=", body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/opinionscope?sql={quote('select 1')}", 403),
        (f"/opinionscope.json?sql={quote('select 1')}", 403),
        (f"/opinionscope/markets.json?_where={quote('1=1')}", 403),
        ("/opinionscope/markets.csv", 403),
        ("/opinionscope/markets?_format=csv", 403),
        ("/opinionscope.db", 403),
        ("/_memory", 404),
        ("/-/chart-data/whales/nothing", 404),
        ("/-/dashboards/nothing", 404),
        ("/env", 404),
        ("/assets/../plugin.py", 404),
        ("/assets/%2e%2e/plugin.py", 404),
        ("/assets//etc/passwd", 404),
    ],
)
def test_only_the_dashboards_and_the_tables_are_served(site: str, path: str, status: int) -> None:
    assert ask(f"{site}{path}")[0] == status


def test_a_page_that_does_not_exist_leads_to_those_that_do(site: str) -> None:
    status, body, _ = ask(f"{site}/-/dashboards/nothing")
    assert status == 404
    assert set(re.findall(r'href="/-/dashboards/([a-z-]+)"', body)) >= {"whales", "activity", "signals", "sync-health"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent_to_it(site: str, method: str) -> None:
    assert ask(f"{site}/opinionscope/markets", method=method)[0] == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8710", "127.0.0.1.evil.example", "localhost.", ""])
def test_a_foreign_host_name_that_leads_here_is_refused(site: str, host: str) -> None:
    assert ask(f"{site}/-/dashboards/whales", host=host)[0] in {400, 421}


@pytest.mark.parametrize("write", [False, True])
def test_the_database_is_open_for_reading_only(stored: CommandLine, write: bool) -> None:
    connection = ReadOnlyDatabase(None, path=str(stored.database)).connect(write=write)

    with closing(connection), pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM markets")


def test_the_key_is_on_no_page(stored: CommandLine, site: str) -> None:
    paths = ["/-/metadata.json", "/-/plugins.json", "/-/settings.json", "/-/databases.json", "/opinionscope"]

    for path in [*paths, *(f"/-/dashboards/{page}" for page in CHARTS)]:
        assert KEY not in ask(f"{site}{path}")[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(stored: CommandLine, number: signal.Signals) -> None:
    process = stored.start("dashboard", "--port", "0", "--no-open")
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert address
    assert ask(f"{address[0]}/-/dashboards/whales")[0] == 200

    process.send_signal(number)
    _, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (0, "")


def test_it_listens_on_the_loopback_interface_alone(site: str) -> None:
    port = int(site.rsplit(":", 1)[1])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {
        line[1].split(":")[0] for line in listening if int(line[1].split(":")[1], 16) == port and line[3] == "0A"
    }

    assert addresses == {"0100007F"}


def test_a_port_in_use_is_said_in_one_line(stored: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = stored("dashboard", "--no-open", "--port", str(other.getsockname()[1]))

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "--port" in result.stderr


def test_without_its_packages_it_says_how_to_install_them(stored: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['datasette'] = None\n")

    result = stored("dashboard", "--no-open", PYTHONPATH=str(tmp_path))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "pip install 'opinionscope[dashboard]'" in result.stderr


def test_a_database_that_is_not_there_is_said_and_not_made(command: CommandLine) -> None:
    result = command("dashboard", "--no-open", "--port", "0")

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert not command.database.exists()


def test_pages_list_the_wallets_that_this_installation_polls() -> None:
    for page in (Path(opinionscope.__file__).parent / "dashboard" / "pages").glob("*.yaml"):
        assert "enabled = 1" not in page.read_text().replace(TRACKED_HERE, ""), page.name
