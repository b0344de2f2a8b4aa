"""What opinionscope adds to Datasette: the data of each chart, the front page, and the guard.

In datasette-dashboards the browser sends the SQL of its charts, which requires a server that runs any SQL. Here the
browser names a chart, and the server looks up its query; it runs no other SQL.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from datasette import hookimpl
from datasette.database import QueryInterrupted
from datasette.utils.asgi import NotFound, Request, Response
from datasette_dashboards import replace_opts_in_query
from jinja2 import Environment

from opinionscope.dashboard.computed_rows import computed_rows
from opinionscope.dashboard.guard import Guard
from opinionscope.times import to_seconds_text, utc_now

NAME = "opinionscope"
DATABASE = "opinionscope"
_DASHBOARDS = "datasette-dashboards"
_AS_OF = """
    SELECT max(ended_at) FILTER (WHERE type = 'whales') AS trades,
        max(ended_at) FILTER (WHERE type = 'stats') AS figures
    FROM sync_logs WHERE type IN ('whales', 'stats') AND status IN ('completed', 'partial')
"""
_WEB_PAGES = "https://app.opinion.trade/"


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """The front page, and the rows of a chart."""
    return [("^/$", go_to_dashboards), ("^/-/chart-data/(?P<page>[^/]+)/(?P<chart>[^/]+)$", chart_data)]


@hookimpl
def asgi_wrapper() -> type[Guard]:
    """Every request passes the guard."""
    return Guard


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:
    """The dashboards by slug, for the navigation on every page; those of errors get no other variables."""
    env.globals["pages"] = datasette.plugin_config(_DASHBOARDS)


@hookimpl
def extra_template_vars(datasette: Any) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What a page is as of."""

    async def variables() -> dict[str, Any]:
        as_of = (await datasette.execute(DATABASE, _AS_OF)).first()
        return {"database": DATABASE, "as_of": dict(as_of)}

    return variables


async def go_to_dashboards() -> Response:
    """Redirect to the list of dashboards."""
    return Response.redirect("/-/dashboards")


async def chart_data(request: Request, datasette: Any) -> Response:
    """The rows of a chart as a JSON array of objects, filtered by the query string."""
    page, chart = _find(datasette, request.url_vars["page"], request.url_vars["chart"])
    filters = {name: (request.args.get(name) or "").strip() for name in page.get("filters", {})}
    if source := chart.get("source"):
        path = Path(datasette.get_database(DATABASE).path)
        return Response.json([_safe(row) for row in await asyncio.to_thread(computed_rows, path, source, filters)])
    # datasette-dashboards requires each optional part to be on one line.
    sql = replace_opts_in_query(" ".join(chart["query"].split()), filters)
    parameters = moments() | datasette.plugin_config(NAME) | filters
    try:
        result = await datasette.execute(DATABASE, sql, parameters, truncate=False)
    except QueryInterrupted:
        return Response.json({"error": "this takes too long; choose narrower filters"}, status=503)
    return Response.json([_safe(dict(row)) for row in result.rows])


def moments() -> dict[str, str]:
    """The times that the queries count from, as stored: whole hours and days, so that each bar is whole."""
    now = utc_now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "now": to_seconds_text(now),
        "hour_ago": to_seconds_text(now - timedelta(hours=1)),
        "day_ago": to_seconds_text(now - timedelta(days=1)),
        "week_ago": to_seconds_text(now - timedelta(days=7)),
        "last_24_hours": to_seconds_text(hour - timedelta(hours=23)),
        "last_48_hours": to_seconds_text(hour - timedelta(hours=47)),
        "last_30_days": to_seconds_text(day - timedelta(days=29)),
        "in_7_days": to_seconds_text(now + timedelta(days=7)),
        "in_30_days": to_seconds_text(day + timedelta(days=30)),
    }


def _find(datasette: Any, page_name: str, chart_name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    page = datasette.plugin_config(_DASHBOARDS).get(page_name, {})
    chart = page.get("charts", {}).get(chart_name)
    if chart is None:
        raise NotFound(f"Chart {page_name}/{chart_name} does not exist")
    return page, chart


def _safe(row: dict[str, Any]) -> dict[str, Any]:
    """The row without any link that leads outside the exchange, because upstream's data is not to be trusted."""
    if not str(row.get("url") or "").startswith(_WEB_PAGES):
        row.pop("url", None)
    return row
