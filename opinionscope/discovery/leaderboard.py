"""The leaderboard with what is known of each wallet on it."""

import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from opinionscope.api.leaderboard import fetch_leaderboard
from opinionscope.api.models import RankedWallet
from opinionscope.api.pacer import Pacer
from opinionscope.errors import ApiError, OpinionscopeError
from opinionscope.records import Record
from opinionscope.settings import Settings
from opinionscope.store.whales import KnownWallet

_SECONDS = 30.0
_PACE = 1.0


@dataclass(frozen=True)
class Place(Record):
    """A place on the leaderboard. `figure` is the profit or the volume, in the quote token (USDT).

    `name` is our own for the wallet or else the exchange's. `flagged` is None if nothing is known of its trades.
    """

    rank: int
    address: str
    name: str | None
    figure: float
    tracked: bool
    flagged: bool | None


class Leaderboard(NamedTuple):
    """The places, the best first, and what was wrong with the entries that could not be read."""

    places: list[Place]
    problems: list[str]


def read_leaderboard(
    settings: Settings, known: Mapping[str, KnownWallet], *, by: str, period: str, limit: int
) -> Leaderboard:
    """Ask the exchange for the wallets of most "profit" or "volume" in a period: "24h", "7d", "30d" or "all".

    Raises ConfigurationError without a key, and OpinionscopeError without a usable answer."""
    with tempfile.TemporaryDirectory() as folder:
        pacer = Pacer(Path(folder, "pacer"), _PACE)
        try:
            deadline = time.monotonic() + _SECONDS
            page = fetch_leaderboard(settings, pacer, by=by, period=period, limit=limit, deadline=deadline)
        except ApiError as error:
            error.args = (f"The leaderboard could not be read: {error}.",)
            raise
        finally:
            pacer.close()
    if page.problems and not page.items:
        raise OpinionscopeError(f"The leaderboard could not be read: {page.problems[0]}.")
    return Leaderboard(rank(page.items, known)[:limit], page.problems)


def rank(wallets: Iterable[RankedWallet], known: Mapping[str, KnownWallet]) -> list[Place]:
    """The places in the order of the answer; a wallet that is listed again keeps its first one."""
    first = dict[str, RankedWallet]()
    for wallet in wallets:
        first.setdefault(wallet.address, wallet)
    return [_place(number, wallet, known.get(wallet.address)) for number, wallet in enumerate(first.values(), start=1)]


def _place(number: int, wallet: RankedWallet, known: KnownWallet | None) -> Place:
    return Place(
        rank=number,
        address=wallet.address,
        name=(known.name if known else None) or wallet.name,
        figure=float(wallet.figure),
        tracked=known is not None and known.tracked,
        flagged=known.flagged if known else None,
    )
