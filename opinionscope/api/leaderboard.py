"""The exchange's leaderboard, on a host of its own. The vendor does not document it, and it may change at any time."""

from collections.abc import Mapping
from types import MappingProxyType

from opinionscope.api.answers import Page, read_page
from opinionscope.api.client import OpinionClient
from opinionscope.api.failures import ADDRESS_SETTINGS
from opinionscope.api.models import RankedWallet
from opinionscope.api.pacer import Pacer
from opinionscope.errors import BadAnswer
from opinionscope.settings import Settings

DAYS: Mapping[str, int] = MappingProxyType({"24h": 1, "7d": 7, "30d": 30, "all": 0})
"""The days that a period stands for; 0 for all time."""
_CHAIN = 56


def fetch_leaderboard(
    settings: Settings, pacer: Pacer, *, by: str, period: str, limit: int, deadline: float
) -> Page[RankedWallet]:
    """The first wallets of the leaderboard by "profit" or by "volume", the best first.

    The first key goes to the leaderboard's host, and to no other. `pacer` must not be the one that the jobs share: what
    this host says of its own limit must not slow them. Raises an ApiError.
    """
    there = settings.model_copy(update={"base_url": settings.leaderboard_url, "api_keys": settings.api_keys[:1]})
    with OpinionClient(there, pacer, deadline=deadline) as client:
        parameters = {"limit": limit, "dataType": by, "chainId": _CHAIN, "period": DAYS[period]}
        try:
            return read_page(client.fetch_result("", parameters), RankedWallet)
        except BadAnswer as error:
            raise BadAnswer(str(error).replace(ADDRESS_SETTINGS, "OPINION_TRADE_LEADERBOARD_URL")) from None
