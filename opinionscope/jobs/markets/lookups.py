"""Look up markets one by one: what became of those that left the list, and what those are that only positions name.

One request for a topic's detail tells of all its children, so whatever has a topic is asked for by that topic. What
the topic does not show is asked for by its own number, in a second wave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opinionscope.api.models import Market
from opinionscope.errors import NoSuchMarket
from opinionscope.jobs.markets.rows import child_row, orphan_row, top_level_row, unknown_row
from opinionscope.jobs.markets.save import MarketSaver
from opinionscope.store.database import Store
from opinionscope.store.market_lookups import Sought, record_lookup
from opinionscope.store.markets import MarketKey, find_market

_LONGEST_WAIT = timedelta(hours=1)
_FIRST_WAIT = timedelta(minutes=5)


@dataclass
class Lookup:
    """One detail to fetch, and the markets that it is expected to tell of."""

    key: MarketKey
    sought: list[Sought] = field(default_factory=list)


def plan_lookups(sought: Sequence[Sought], limit: int) -> list[Lookup]:
    """The first `limit` details that tell of the markets, in their order."""
    lookups: dict[MarketKey, Lookup] = {}
    for each in sought:
        key = each.key if each.topic is None else MarketKey(each.topic, True)
        if key in lookups or len(lookups) < limit:
            lookups.setdefault(key, Lookup(key)).sought.append(each)
    return list(lookups.values())


def wait_after(fruitless: int) -> timedelta:
    """How long to leave a market alone after so many lookups in a row that told nothing new."""
    if fruitless < 2:
        return timedelta(0)
    doublings = min(fruitless - 2, 10)
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << doublings))


class LookupSaver:
    """Stores what lookups bring, and notes when each market is due again."""

    def __init__(self, store: Store, saver: MarketSaver, now: datetime) -> None:
        self._store = store
        self._saver = saver
        self._now = now

    def save(self, lookup: Lookup, detail: Market | NoSuchMarket) -> list[Sought]:
        """Store a detail, or that there is none; the markets that it was expected to tell of and did not."""
        if isinstance(detail, NoSuchMarket):
            return self._save_absence(lookup)
        if lookup.key.is_topic:
            self._saver.save([detail])
        else:
            self._save_single(lookup.sought[0], detail)
        told = [each for each in lookup.sought if each.key in self._saver.stored]
        self.note(told)
        return [each for each in lookup.sought if each.key not in self._saver.stored]

    def note(self, sought: Sequence[Sought], *, failed: bool = False) -> None:
        """Note that markets were looked up. One that `failed` must not keep its place before all others."""
        for each in sought:
            fruitless = each.fruitless + 1 if failed or each.key not in self._saver.changed else 0
            due = self._now + wait_after(fruitless)
            record_lookup(self._store, each.key, self._now, fruitless=fruitless, due=due)

    def _save_absence(self, lookup: Lookup) -> list[Sought]:
        if lookup.key.is_topic:
            known = find_market(self._store, lookup.key)
            if known is None:
                # From now on its children are asked for by their own numbers.
                self.note([Sought(lookup.key, None, None, 0)], failed=True)
            else:
                self._saver.save_rows([known._replace(status="deleted")])
        else:
            (sought,) = lookup.sought
            known = find_market(self._store, sought.key) or unknown_row(sought.key, sought.topic, sought.title)
            self._saver.save_rows([known._replace(status="deleted")])
        return [each for each in lookup.sought if each.key not in self._saver.stored]

    def _save_single(self, sought: Sought, detail: Market) -> None:
        """Store the detail of a market by its own number: a child's does not say whose child it is."""
        known = find_market(self._store, sought.key)
        topic = known.parent_external_id if known else sought.topic
        parent = find_market(self._store, MarketKey(topic, True)) if known and topic else None
        if parent:
            row = child_row(detail, parent)
        else:
            # A topic that only trades name, and that does not show this market, gives it nothing but its number.
            row = orphan_row(detail, topic, sought.title) if topic else top_level_row(detail)
        self._saver.save_rows([row])
