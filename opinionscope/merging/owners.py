"""From which source each wallet is taken: a pure rule."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from opinionscope.store.merged_wallets import ListedWallet
from opinionscope.times import from_text

HANDOVER = timedelta(minutes=10)
"""How much later another source must have polled a wallet to take it over from one that polls it too."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Claims:
    """What a source says of the wallets: those that it polls, or did, and those that it leaves to other shards."""

    source_id: int
    polled: Sequence[ListedWallet]
    left_to_others: Set[str]


@dataclass
class Owners:
    """The source of each wallet, with the wallet as it is there, by address.

    `unpolled` are on a list and polled by none of the sources, `contested` those that more than one source polls.
    """

    chosen: dict[str, tuple[int, ListedWallet]] = field(default_factory=dict)
    unpolled: set[str] = field(default_factory=set)
    contested: set[str] = field(default_factory=set)


def choose_owners(claims: Iterable[Claims], before: Mapping[str, int], now: datetime) -> Owners:
    """The source that polls each wallet. `before` is where it was taken from so far, by address.

    If several poll it, it is the one that did so last; the one that it was taken from keeps it for `HANDOVER`, so that
    a wallet does not go back and forth. A poll later than `now`, by a clock that is ahead, is not believed.
    """
    owners, listed = Owners(), set[str]()
    for source in claims:
        listed |= source.left_to_others
        for wallet in source.polled:
            rival = owners.chosen.get(wallet.address)
            if rival is None:
                owners.chosen[wallet.address] = source.source_id, wallet
                continue
            if wallet.enabled and rival[1].enabled:
                owners.contested.add(wallet.address)
            known = before.get(wallet.address)
            if _rank(source.source_id, wallet, known, now) > _rank(*rival, known, now):
                owners.chosen[wallet.address] = source.source_id, wallet
    owners.unpolled = listed - owners.chosen.keys()
    return owners


def _rank(source_id: int, wallet: ListedWallet, known: int | None, now: datetime) -> tuple[bool, datetime, int]:
    polled_at = from_text(wallet.polled_at) if wallet.polled_at else _NEVER
    if polled_at > now + HANDOVER:
        polled_at = _NEVER
    return wallet.enabled, polled_at + (HANDOVER if source_id == known else timedelta(0)), -source_id
