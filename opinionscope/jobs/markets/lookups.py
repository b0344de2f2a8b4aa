"""Look up markets one by one: those that left the list, and those that are known only from positions.

The detail of a topic includes all its children, so a market that has a topic is looked up by that topic. If the topic
does not include it, a second wave looks it up by its own number.
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
    """One detail to fetch, and the markets that it should include."""

    key: MarketKey
    sought: list[Sought] = field(default_factory=list)


def plan_lookups(sought: Sequence[Sought], limit: int) -> list[Lookup]:
    """The details that should include these markets, at most `limit`, in the order of the markets."""
    lookups: dict[MarketKey, Lookup] = {}
    for each in sought:
        key = each.key if each.topic is None else MarketKey(each.topic, True)
        if key in lookups or len(lookups) < limit:
            lookups.setdefault(key, Lookup(key)).sought.append(each)
    return list(lookups.values())


def wait_after(fruitless: int) -> timedelta:
    """How long to wait after this many lookups of a market in a row that changed nothing."""
    if fruitless < 2:
        return timedelta(0)
    doublings = min(fruitless - 2, 10)
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << doublings))


class LookupSaver:
    """Stores the results of lookups and schedules the next lookup of each market."""

    def __init__(self, store: Store, saver: MarketSaver, now: datetime) -> None:
        self._store = store
        self._saver = saver
        self._now = now

    def save(self, lookup: Lookup, detail: Market | NoSuchMarket) -> list[Sought]:
        """Store a detail, or that it does not exist. Returns the markets that it should have included but did not."""
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
        """Record a lookup of these markets. A `failed` one counts too, so that it does not stay first in the queue."""
        for each in sought:
            fruitless = each.fruitless + 1 if failed or each.key not in self._saver.changed else 0
            due = self._now + wait_after(fruitless)
            record_lookup(self._store, each.key, self._now, fruitless=fruitless, due=due)

    def _save_absence(self, lookup: Lookup) -> list[Sought]:
        if lookup.key.is_topic:
            known = find_market(self._store, lookup.key)
            if known is None:
                # From now on, its children are looked up by their own numbers.
                self.note([Sought(lookup.key, None, None, 0)], failed=True)
            else:
                self._saver.save_rows([known._replace(status="deleted")])
        else:
            (sought,) = lookup.sought
            known = find_market(self._store, sought.key) or unknown_row(sought.key, sought.topic, sought.title)
            self._saver.save_rows([known._replace(status="deleted")])
        return [each for each in lookup.sought if each.key not in self._saver.stored]

    def _save_single(self, sought: Sought, detail: Market) -> None:
        """Store the detail of a single market. The detail of a child does not name its topic."""
        known = find_market(self._store, sought.key)
        topic = known.parent_external_id if known else sought.topic
        parent = find_market(self._store, MarketKey(topic, True)) if known and topic else None
        if parent:
            row = child_row(detail, parent)
        else:
            # The topic is known only from trades and does not include this market: all it provides is its number.
            row = orphan_row(detail, topic, sought.title) if topic else top_level_row(detail)
        self._saver.save_rows([row])
