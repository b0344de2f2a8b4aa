"""The pages as axe-core judges them in Chromium (https://github.com/dequelabs/axe-core), on phones and in the dark."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.dashboard.dashboard_site import SOME_CONSENSUS, ask, fill, served
from tests.end_to_end.test_dashboard_in_chromium import CHROMIUM

pytest.importorskip("datasette_dashboards", reason="the extra `dashboard` is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="the extra `tests` is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `tests` is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")

PAGES = ("whales", "whale", "activity", "consensus", "markets", "signals", "sync-health")
SCREENS = ((390, "dark"), (800, "light"), (1280, "dark"))
"""Widths, each light or dark: the colours are the same at every width, and each look takes a second."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(fill(tmp_path_factory.mktemp("dashboard"))) as address:
        yield address


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_on_every_screen(site: str, page: Any, name: str) -> None:
    (best, *_) = json.loads(ask(f"{site}/-/chart-data/whales/leaderboard")[1])
    page.goto(f"{site}/-/dashboards/{name}?{urlencode({'whale': best['choice'], **SOME_CONSENSUS})}")
    page.locator("body[data-drawn=yes]").wait_for(timeout=20_000)

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
        page.locator("body[data-drawn=yes]").wait_for(timeout=20_000)
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
    page.locator("body[data-drawn=yes]").wait_for(timeout=20_000)
    page.get_by_role("button", name="Apply").click()
    assert "sort-trades=amount" in page.url
