"""From the exchange's markets to rows: a categorical market becomes a row of its own and one for each child."""

import json

from opinionscope.api.models import MARKET_STATUSES, Market
from opinionscope.jobs.identity import as_float
from opinionscope.store.markets import MarketRow
from opinionscope.times import from_unix

_CATEGORICAL = 1
_WEB_PAGE = "https://app.opinion.trade/detail?topicId="


def is_categorical(market: Market) -> bool:
    """Whether the market only groups others, which are the ones that trade."""
    return market.market_type == _CATEGORICAL or bool(market.children)


def top_level_row(market: Market) -> MarketRow:
    """The row of a binary market or of a categorical parent. A parent stays "created" for as long as it trades.

    A figure that upstream does not give stays unknown: no zero is made up.
    """
    categorical = is_categorical(market)
    return MarketRow(
        external_id=market.market_id,
        parent_external_id=None,
        market_type="categorical" if categorical else "binary",
        title=market.title,
        status=MARKET_STATUSES[market.status],
        labels=json.dumps(market.labels or [], ensure_ascii=False),
        yes_label=market.yes_label,
        no_label=market.no_label,
        yes_token_id=market.yes_token_id,
        no_token_id=market.no_token_id,
        result_token_id=market.result_token_id,
        volume=as_float(market.volume),
        volume_24h=as_float(market.volume_24h),
        volume_7d=as_float(market.volume_7d),
        quote_token=market.quote_token,
        chain_id=market.chain_id,
        slug=market.slug,
        rules=market.rules,
        url=f"{_WEB_PAGE}{market.market_id}{'&type=multi' if categorical else ''}",
        created_at=_time(market.created_at),
        cutoff_at=_time(market.cutoff_at),
        resolved_at=_time(market.resolved_at),
    )


def child_row(market: Market, parent: MarketRow) -> MarketRow:
    """The row of one option of a categorical market. What a child leaves out is what its parent says."""
    own = top_level_row(market)
    return own._replace(
        parent_external_id=parent.external_id,
        market_type="child",
        title=f"{parent.title}: {market.title}",
        labels=own.labels if market.labels else parent.labels,
        quote_token=own.quote_token or parent.quote_token,
        chain_id=own.chain_id or parent.chain_id,
        rules=own.rules or parent.rules,
        url=parent.url,
        cutoff_at=own.cutoff_at or parent.cutoff_at,
    )


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else from_unix(seconds)
