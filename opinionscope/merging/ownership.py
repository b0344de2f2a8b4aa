"""Settling, in the merged database, from which source each wallet is taken from now on."""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime

from opinionscope.errors import StoreError
from opinionscope.merging.owners import Claims, Owners, choose_owners
from opinionscope.merging.sources import Seen
from opinionscope.store.database import Store
from opinionscope.store.merged_wallets import (
    Adoption,
    UnpolledWallet,
    abandon,
    adopt,
    find_owners,
    find_unpolled,
    keep_unpolled,
)


def settle_owners(store: Store, seen: Mapping[int, Seen], now: datetime) -> Owners:
    """Decide which source each wallet is taken from. `seen` are the sources that can be read, by their ids."""
    with store.snapshot() as transaction:
        before = find_owners(transaction)
    claims = [Claims(source_id, each.polled, each.left_to_others) for source_id, each in seen.items()]
    owners = choose_owners(claims, before, now)
    # A source that cannot be read at the moment, or is not named, keeps its wallets.
    lost = {address for address in before.keys() - owners.chosen.keys() if before[address] in seen}
    unpolled = _as_listed(list(seen.values()), owners.unpolled - (before.keys() - lost))
    with store.transaction() as transaction:
        adopt(transaction, _adoptions(owners, before))
        abandon(transaction, lost)
        keep_unpolled(transaction, unpolled)
    return owners


def _adoptions(owners: Owners, before: Mapping[str, int]) -> list[Adoption]:
    return [
        Adoption(address, source_id, wallet.rewritten)
        for address, (source_id, wallet) in owners.chosen.items()
        if before.get(address) != source_id
    ]


def _as_listed(seen: Sequence[Seen], addresses: Set[str]) -> list[UnpolledWallet]:
    """These wallets, as the first source that lists them does."""
    found, left = list[UnpolledWallet](), set(addresses)
    for each in seen:
        wanted = left & each.left_to_others
        left -= wanted
        if wanted:
            # If it cannot be read just now, the next merge lists them.
            with suppress(StoreError), Store.open_to_read(each.path) as source:
                found += find_unpolled(source, wanted)
    return found
