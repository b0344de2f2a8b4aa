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


@pytest.mark.parametrize("path", ["/-/dashboards", "/-/dashboards/whale", "/opinionscope/whales/1", "/nothing"])
def test_a_page_without_charts_is_accessible_and_leads_back(site: str, page: Any, path: str) -> None:
    page.goto(f"{site}{path}")

    assert problems(page) == []
    page.get_by_role("link", name="opinionscope", exact=True).first.click()
    assert page.url == f"{site}/-/dashboards"
