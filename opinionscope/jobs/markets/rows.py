"""From the exchange's markets to rows: a categorical market becomes a row of its own and one for each child."""

import json
from collections.abc import Sequence
from decimal import Decimal

from opinionscope.api.answers import read_items
from opinionscope.api.models import CREATED, MARKET_STATUSES, Market
from opinionscope.store.markets import FINAL_STATUSES, MarketKey, MarketRow
from opinionscope.store.rows import as_real
from opinionscope.times import from_unix

_CATEGORICAL = 1
_as_json = json.JSONEncoder(ensure_ascii=False).encode
# What is above a market that has nobody above it: a row that gives nothing.
_NO_PARENT = MarketRow(**dict.fromkeys(MarketRow._fields) | {"external_id": "", "labels": "[]"})  # type: ignore[arg-type]
_WEB_PAGE = "https://app.opinion.trade/detail?topicId="
# How far a sum of floats on the exchange's side may be off: "8686.887999999999" is a recorded volume.
_FLOAT_NOISE = Decimal("1e-9")


def is_categorical(market: Market) -> bool:
    """Whether the market is a topic, which only groups others: those are the ones that trade."""
    return market.market_type == _CATEGORICAL or bool(market.children)


def key_of(market: Market) -> MarketKey:
    """The key of an item of a list, or of a detail."""
    return MarketKey(market.market_id, is_categorical(market))


def rows_of(market: Market) -> tuple[list[MarketRow], list[str]]:
    """The rows of an item of a list or of a detail, a topic before its children, and what could not be read."""
    children, problems = read_items(market.children or [], Market)
    row = topic_row(market, children, unread=len(problems)) if is_categorical(market) else top_level_row(market)
    return [row, *(child_row(child, row) for child in children)], problems


def top_level_row(market: Market) -> MarketRow:
    """The row of a binary market, or of a topic as the exchange states it."""
    categorical = is_categorical(market)
    url = f"{_WEB_PAGE}{market.market_id}{'&type=multi' if categorical else ''}"
    return _row(market, "categorical" if categorical else "binary", market.title, url, _NO_PARENT)


def topic_row(topic: Market, children: Sequence[Market], *, unread: int = 0) -> MarketRow:
    """The row of a topic: its status and volume are those that its children add up to. `unread`: how many are unknown.

    In lists filtered by status, which are the ones where a topic does not say "Created", all its volumes are twice the
    true ones: topic 337 has 1465856464.247 in a recorded list and 732928232.12 in its recorded detail.
    """
    factor = 1 if topic.status == CREATED else 2
    statuses = [MARKET_STATUSES[child.status] for child in children] + ["created"] * unread
    return top_level_row(topic)._replace(
        status=topic_status(statuses, MARKET_STATUSES[topic.status]),
        volume=as_real(topic_volume(_divided(topic.volume, factor), [child.volume for child in children])),
        volume_24h=as_real(_divided(topic.volume_24h, factor)),
        volume_7d=as_real(_divided(topic.volume_7d, factor)),
    )


def topic_status(children: Sequence[str], stated: str) -> str:
    """The status that follows from those of the children; the `stated` one if nothing follows.

    Upstream says "Created" of a topic for ever, even when all its children are resolved, except in a list filtered by
    status, where it says what the filter says (recorded answers of the live API).
    """
    for status in ("activated", "resolving"):
        if status in children:
            return status
    return "resolved" if children and all(status in FINAL_STATUSES for status in children) else stated


def topic_volume(stated: Decimal | None, children: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of the children's volumes if all children are there; the `stated` volume of the topic if not.

    A list filtered by status leaves children out, so their sum falls short of the stated volume then.
    """
    known = [volume for volume in children if volume is not None]
    total = sum(known, Decimal(0))
    if known and (stated is None or total >= stated * (1 - _FLOAT_NOISE)):
        return total
    return stated


def child_row(market: Market, parent: MarketRow) -> MarketRow:
    """The row of one option of a categorical market. What a child leaves out is what its parent says."""
    return _row(market, "child", f"{parent.title}: {market.title}", parent.url, parent)


def orphan_row(market: Market, topic: str, title: str | None) -> MarketRow:
    """The row of an option whose topic the exchange does not show. `title` is the full one, as trades give it."""
    url = f"{_WEB_PAGE}{topic}&type=multi"
    return _row(market, "child", title or market.title, url, _NO_PARENT._replace(external_id=topic))


def unknown_row(key: MarketKey, topic: str | None, title: str | None) -> MarketRow:
    """The row of a market that trades name and the exchange does not know any more."""
    return _NO_PARENT._replace(
        external_id=key.external_id,
        parent_external_id=topic,
        market_type="child" if topic else "binary",
        title=title or f"Market {key.external_id}",
        status="deleted",
    )


def _row(market: Market, market_type: str, title: str, url: str | None, parent: MarketRow) -> MarketRow:
    """The row of any market. A figure that upstream does not give stays unknown: no zero is made up."""
    return MarketRow(
        external_id=market.market_id,
        parent_external_id=parent.external_id or None,
        market_type=market_type,
        title=title,
        status=MARKET_STATUSES[market.status],
        labels=_as_json(market.labels) if market.labels else parent.labels,
        yes_label=market.yes_label,
        no_label=market.no_label,
        yes_token_id=market.yes_token_id,
        no_token_id=market.no_token_id,
        result_token_id=market.result_token_id,
        volume=as_real(market.volume),
        volume_24h=as_real(market.volume_24h),
        volume_7d=as_real(market.volume_7d),
        quote_token=market.quote_token or parent.quote_token,
        chain_id=market.chain_id or parent.chain_id,
        slug=market.slug,
        rules=market.rules or parent.rules,
        url=url,
        created_at=_time(market.created_at),
        cutoff_at=_time(market.cutoff_at) or parent.cutoff_at,
        resolved_at=_time(market.resolved_at),
    )


def _divided(volume: Decimal | None, factor: int) -> Decimal | None:
    return None if volume is None else volume / factor


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else from_unix(seconds)
