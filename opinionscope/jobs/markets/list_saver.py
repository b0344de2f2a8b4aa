"""Store what the list of markets says, entry by entry; one that says what is stored already is not even read."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opinionscope import __version__
from opinionscope.api.answers import read_items
from opinionscope.api.models import Market
from opinionscope.jobs.markets.entries import children_of, digest_of
from opinionscope.jobs.markets.rows import key_of
from opinionscope.jobs.markets.save import MarketSaver
from opinionscope.store.database import Store
from opinionscope.store.listed_markets import find_listed, note_listed
from opinionscope.store.markets import MarketKey


class ListSaver:
    """Stores the entries of the list that differ from those of the last run.

    Another release reads everything anew, since it may read it differently, and so does the first run of a day (UTC):
    nothing is taken on trust for longer.
    """

    def __init__(self, store: Store, saver: MarketSaver, now: datetime) -> None:
        self._store = store
        self._saver = saver
        self._listed = find_listed(store)
        self._reader = f"{__version__} {now:%Y-%m-%d}"
        self._told: Counter[MarketKey] = Counter()

    def save(self, entries: Sequence[Any]) -> tuple[list[MarketKey], list[str]]:
        """Store what entries say; their keys, and what could not be read."""
        keys, problems = list[MarketKey](), list[str]()
        markets, digests = list[Market](), list[bytes]()
        for entry in entries:
            digest = digest_of(entry, self._reader)
            if known := self._stored_as(digest, entry):
                self._told.update(known)
                self._saver.count(known)
                keys.append(known[0])
            else:
                read, refused = read_items([entry], Market)
                markets += read
                digests += [digest] * len(read)
                problems += refused
        self._note(digests, self._saver.save(markets))
        return keys + [key_of(market) for market in markets], problems

    def _stored_as(self, digest: bytes, entry: Any) -> Sequence[MarketKey]:
        """The markets of an entry if all of them are stored as it says; else none."""
        known = self._listed.get(digest, [])
        is_whole = len(known) == 1 + len(children_of(entry)) and self._saver.changed.isdisjoint(known)
        return known if is_whole else []

    def _note(self, digests: Sequence[bytes], stored: Sequence[Sequence[MarketKey]]) -> None:
        """Note which markets are stored as entries say. One that several entries tell of is read from all of them."""
        for keys in stored:
            self._told.update(keys)
        note_listed(
            self._store,
            {
                key: digest
                for digest, keys in zip(digests, stored, strict=True)
                for key in keys
                if digest and self._told[key] == 1
            },
        )
