"""The pages in a real browser: every chart is drawn from data, without an error and without another host.

axe-core judges them (https://github.com/dequelabs/axe-core), on phones and in the dark.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.dashboard.dashboard_site import SCRIPT, SOME_CONSENSUS, ask, fill, served, served_empty

pytest.importorskip("datasette_dashboards", reason="the extra `dashboard` is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="the extra `tests` is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `tests` is not installed")
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
SCREENS = ((390, "dark"), (800, "light"), (1280, "dark"))
"""Widths, each light or dark: the colours are the same at every width, and each look takes a second."""
DRAWN_AT_ALL = "body[data-drawn=yes]"
_MARKS = r'<g class="mark-(?:rect|symbol) role-mark \w*marks"[^>]*><path'
"""What Vega draws a value with: a bar or a point."""
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@dataclass(frozen=True)
class Visit:
    """What came of opening a page: the document after its scripts ran, the console, the hosts that it asked."""

    document: str
    console: list[str]
    hosts: set[str]

    def card(self, chart: str) -> str:
        """The document from the beginning of a chart to that of the next."""
        return re.split(r'<section class="card', self.document.split(f'id="chart-{chart}"')[1])[0]


def visit(browser: Any, url: str) -> Visit:
    """Open a page in a browser that has no past."""
    console, hosts = list[str](), set[str]()
    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: console.append(message.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(url)
        page.locator(DRAWN_AT_ALL).wait_for(timeout=20_000)
        return Visit(page.content(), console, hosts)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(fill(tmp_path_factory.mktemp("dashboard"))) as address:
        yield address


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_empty(tmp_path_factory.mktemp("empty")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Any) -> Any:
    return browser.new_page()


@pytest.mark.parametrize("page", DRAWN)
def test_every_chart_is_drawn_from_data(site: str, browser: Any, page: str) -> None:
    (best, *_) = json.loads(ask(f"{site}/-/chart-data/whales/leaderboard")[1])
    filters = {"whale": {"whale": best["choice"]}, "consensus": SOME_CONSENSUS}.get(page, {})
    chosen = f"?{urlencode(filters)}"
    seen = visit(browser, f"{site}/-/dashboards/{page}{chosen}")

    assert seen.console == []
    assert seen.hosts == {urlsplit(site).netloc}
    for chart in DRAWN[page]:
        assert re.search(_MARKS, seen.card(chart)), chart
    for chart in TABLES[page]:
        assert "<td" in seen.card(chart), chart


@pytest.mark.parametrize("page", DRAWN)
def test_an_empty_database_is_shown_without_an_error(empty_site: str, browser: Any, page: str) -> None:
    seen = visit(browser, f"{empty_site}/-/dashboards/{page}?whale=0x")

    assert seen.console == []
    for chart in DRAWN[page]:
        assert 'class="nothing"' in seen.card(chart), chart


def test_what_a_hostile_exchange_sends_stays_text(site: str, browser: Any) -> None:
    seen = visit(browser, f"{site}/-/dashboards/activity?market=script")
    trades = seen.card("trades")

    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in trades
    assert SCRIPT not in seen.document
    assert "<img" not in seen.document
    assert "javascript:" not in seen.document
    assert seen.console == []
    assert seen.hosts == {urlsplit(site).netloc}


def problems(page: Any) -> list[str]:
    """What axe finds, and whether the page is wider than the screen, on each screen."""
    found = []
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        violations = axe.Axe().run(page).response["violations"]
        found += [f"{width} {scheme}: {each['id']}: {each['nodes'][0]['html']}" for each in violations]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{width}: wider than the screen")
    return found


@pytest.mark.parametrize("name", DRAWN)
def test_a_page_is_accessible_on_every_screen(site: str, page: Any, name: str) -> None:
    (best, *_) = json.loads(ask(f"{site}/-/chart-data/whales/leaderboard")[1])
    page.goto(f"{site}/-/dashboards/{name}?{urlencode({'whale': best['choice'], **SOME_CONSENSUS})}")
    page.locator(DRAWN_AT_ALL).wait_for(timeout=20_000)

    assert problems(page) == []


PLAIN_PAGES = (
    "/-/dashboards",
    "/-/dashboards/whale",
    "/-/dashboards/whales/leaderboard",
    "/opinionscope",
    "/opinionscope/sync_logs?_sort_desc=id&type=whales&_facet=status",
    "/opinionscope/whales/1",
    "/nothing",
)


@pytest.mark.parametrize("path", PLAIN_PAGES)
def test_any_other_page_is_accessible_and_leads_back(site: str, page: Any, path: str) -> None:
    page.goto(f"{site}{path}")

    assert problems(page) == []
    page.get_by_role("link", name="opinionscope", exact=True).first.click()
    assert page.url == f"{site}/-/dashboards"


def test_the_order_of_a_table_is_kept_in_the_address(site: str, page: Any) -> None:
    def shown() -> list[str]:
        page.locator(DRAWN_AT_ALL).wait_for(timeout=20_000)
        return list(page.locator("#chart-leaderboard td:first-child").all_inner_texts())

    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{site}/-/dashboards/whales")
    unsorted = shown()
    for _ in range(2):
        page.locator("#chart-leaderboard th button").first.click()
    backwards = shown()
    page.get_by_role("link", name="Refresh").click()

    assert "sort-leaderboard=-whale" in page.url
    assert shown() == backwards
    assert sorted(backwards) == sorted(unsorted)
    page.set_viewport_size({"width": 390, "height": 900})
    page.get_by_label("Sort Leaderboard by").select_option("net_profit")
    assert "sort-leaderboard=net_profit" in page.url
    page.locator("#card-leaderboard h2 a").click()
    assert page.url.endswith("/-/dashboards/whales/leaderboard?sort-leaderboard=net_profit")
    page.goto(f"{site}/-/dashboards/activity?sort-trades=amount")
    page.locator(DRAWN_AT_ALL).wait_for(timeout=20_000)
    page.get_by_role("button", name="Apply").click()
    assert "sort-trades=amount" in page.url
