"""From the exchange's markets to rows: a categorical market becomes a row of its own and one for each child."""

import json

from opinionscope.api.models import MARKET_STATUSES, Market
from opinionscope.store.markets import MarketRow
from opinionscope.store.rows import as_real
from opinionscope.times import from_unix

_CATEGORICAL = 1
_as_json = json.JSONEncoder(ensure_ascii=False).encode
# What is above a market that has nobody above it: a row that gives nothing.
_NO_PARENT = MarketRow(**dict.fromkeys(MarketRow._fields) | {"external_id": "", "labels": "[]"})  # type: ignore[arg-type]
_WEB_PAGE = "https://app.opinion.trade/detail?topicId="


def is_categorical(market: Market) -> bool:
    """Whether the market only groups others, which are the ones that trade."""
    return market.market_type == _CATEGORICAL or bool(market.children)


def top_level_row(market: Market) -> MarketRow:
    """The row of a binary market or of a categorical parent. A parent stays "created" for as long as it trades."""
    categorical = is_categorical(market)
    url = f"{_WEB_PAGE}{market.market_id}{'&type=multi' if categorical else ''}"
    return _row(market, "categorical" if categorical else "binary", market.title, url, _NO_PARENT)


def child_row(market: Market, parent: MarketRow) -> MarketRow:
    """The row of one option of a categorical market. What a child leaves out is what its parent says."""
    return _row(market, "child", f"{parent.title}: {market.title}", parent.url, parent)


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


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else from_unix(seconds)
