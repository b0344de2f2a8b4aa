"""The dashboards in a real browser: every chart is drawn from data, without an error and without another host."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.dashboard.dashboard_site import SCRIPT, SOME_CONSENSUS, ask, fill, served, served_empty

pytest.importorskip("datasette_dashboards", reason="the extra `dashboard` is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on PATH: `apt-get install chromium` has these tests run"
)

DRAWN = {
    "sync-health": {"runs", "requests", "durations", "items"},
    "whale": {"profit"},
    "whales": {"by-volume", "by-profit", "volume-per-day"},
    "activity": {"volume", "markets"},
    "consensus": set(),
    "signals": {"per-day"},
    "markets": {"by-volume", "closing-per-day"},
}
TABLES = {
    "sync-health": {"jobs", "failures"},
    "whale": {"positions", "orders"},
    "consensus": {"agreements"},
    "signals": {"rules", "latest"},
    "whales": {"leaderboard", "incomplete"},
    "activity": {"trades"},
    "markets": {"closing-soon", "largest"},
}
_MARKS = r'<g class="mark-(?:rect|symbol) role-mark \w*marks"[^>]*><path'
"""What Vega draws a value with: a bar or a point."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--virtual-time-budget=10000",
    "--window-size=1280,900",
    "--dump-dom",
)


@dataclass(frozen=True)
class Visit:
    """What came of opening a page: the document after its scripts ran, the console, the hosts that it asked."""

    document: str
    console: list[str]
    hosts: set[str | None]

    def card(self, chart: str) -> str:
        """The document from the beginning of a chart to that of the next."""
        return re.split(r'<section class="card', self.document.split(f'id="chart-{chart}"')[1])[0]


def visit(url: str, folder: Path) -> Visit:
    """Open a page in a browser that has no past and no way out."""
    log = folder / "net.json"
    assert CHROMIUM is not None
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    return Visit(run.stdout, console, _hosts(json.loads(log.read_text()), urlsplit(url).netloc))


def _hosts(log: dict[str, list[dict[str, dict[str, str]]]], site: str) -> set[str | None]:
    """The hosts of all requests that the page made, and not the browser for itself."""
    asked = [event.get("params", {}) for event in log["events"]]
    return {
        urlsplit(each["url"]).netloc for each in asked if "url" in each and each.get("initiator") == f"http://{site}"
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(fill(tmp_path_factory.mktemp("dashboard"))) as address:
        yield address


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_empty(tmp_path_factory.mktemp("empty")) as address:
        yield address


@pytest.mark.parametrize("page", DRAWN)
def test_every_chart_is_drawn_from_data(site: str, tmp_path: Path, page: str) -> None:
    (best, *_) = json.loads(ask(f"{site}/-/chart-data/whales/leaderboard")[1])
    filters = {"whale": {"whale": best["choice"]}, "consensus": SOME_CONSENSUS}.get(page, {})
    chosen = f"?{urlencode(filters)}"
    seen = visit(f"{site}/-/dashboards/{page}{chosen}", tmp_path)

    assert 'data-drawn="yes"' in seen.document
    assert seen.console == []
    assert seen.hosts == {urlsplit(site).netloc}
    for chart in DRAWN[page]:
        assert re.search(_MARKS, seen.card(chart)), chart
    for chart in TABLES[page]:
        assert "<td" in seen.card(chart), chart


@pytest.mark.parametrize("page", DRAWN)
def test_an_empty_database_is_shown_without_an_error(empty_site: str, tmp_path: Path, page: str) -> None:
    seen = visit(f"{empty_site}/-/dashboards/{page}?whale=0x", tmp_path)

    assert 'data-drawn="yes"' in seen.document
    assert seen.console == []
    for chart in DRAWN[page]:
        assert 'class="nothing"' in seen.card(chart), chart


def test_what_a_hostile_exchange_sends_stays_text(site: str, tmp_path: Path) -> None:
    seen = visit(f"{site}/-/dashboards/activity?market=script", tmp_path)
    trades = seen.card("trades")

    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in trades
    assert SCRIPT not in seen.document
    assert "<img" not in seen.document
    assert "javascript:" not in seen.document
    assert seen.console == []
    assert seen.hosts == {urlsplit(site).netloc}
