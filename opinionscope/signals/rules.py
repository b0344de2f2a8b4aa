"""A rule: its filters as values, as JSON in the table, and in words."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from opinionscope.store.rules import StoredRule
from opinionscope.times import to_seconds_text

DEFAULT_COOLDOWN = timedelta(minutes=30)
ACTIONS = ("BUY", "SELL", "SPLIT", "MERGE")


@dataclass(frozen=True)
class Filters:
    """What a rule matches: filters are joined by "and", the values of one by "or"; an empty one matches anything.

    `whales` are addresses, `markets` numbers or `topic:` and a topic's number, amounts are in the quote token.
    With `consensus`, the number of whales it takes, a rule tells of consensus and not of orders.
    """

    whales: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    min_amount: float | None = None
    min_price: float | None = None
    max_price: float | None = None
    markets: tuple[str, ...] = ()
    search: str | None = None
    labels: tuple[str, ...] = ()
    consensus: int | None = None
    min_exposure: float | None = None

    def to_json(self) -> str:
        """The filters that are set, as a JSON object."""
        return json.dumps(self.as_document(), ensure_ascii=False)

    def as_document(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The filters from the table. What a later release has added is left out."""
        known = {field.name for field in fields(cls)}
        given: Mapping[str, Any] = json.loads(text)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name in known
        }
        return cls(**values)


@dataclass(frozen=True)
class Rule:
    """A rule that is looked at. `news_from` is ISO text: what happened before is no news to it."""

    id: int
    name: str
    filters: Filters
    targets: tuple[str, ...]
    cooldown: timedelta
    digest_at: str | None
    news_from: str

    @classmethod
    def from_row(cls, row: StoredRule) -> Self:
        """The rule that a row of the table stands for."""
        return cls(
            row.id,
            row.name,
            Filters.from_json(row.filters),
            row.targets,
            row.cooldown,
            row.digest_at,
            to_seconds_text(row.active_since),
        )

    @property
    def least_exposure(self) -> float:
        """From which exposure on a wallet counts for a consensus."""
        return DEFAULT_EXPOSURE if self.filters.min_exposure is None else self.filters.min_exposure


DEFAULT_WHALES = 3
DEFAULT_EXPOSURE = 1_000.0


def describe(filters: Filters, names: Mapping[str, str] | None = None) -> str:
    """The filters in words. `names` has the wallets' names by address."""
    whales = [(names or {}).get(address) or f"{address[:6]}…{address[-4:]}" for address in filters.whales]
    parts = [
        _any_of("whale", whales),
        _any_of("tag", filters.tags),
        _any_of("action", [action.lower() for action in filters.actions]),
        _any_of("change", [change.lower() for change in filters.changes]),
        _at_least("amount", filters.min_amount),
        _at_least("price", filters.min_price),
        None if filters.max_price is None else f"price ≤ {filters.max_price:g}",
        _any_of("market", filters.markets),
        None if filters.search is None else f"title has {filters.search!r}",
        _any_of("label", filters.labels),
        None if filters.consensus is None else f"consensus of {filters.consensus} or more",
        _at_least("exposure", filters.min_exposure),
    ]
    return ", ".join(part for part in parts if part) or "every order"


def _any_of(name: str, values: "tuple[str, ...] | list[str]") -> str | None:
    return f"{name} {' or '.join(values)}" if values else None


def _at_least(name: str, value: float | None) -> str | None:
    return None if value is None else f"{name} ≥ {value:,g}"


def describe_cooldown(cooldown: timedelta) -> str:
    """`30 min`, `2 h`, `90 s`, `none`."""
    seconds = int(cooldown.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return "none"


def digest_due(digest_at: str, now: datetime) -> datetime:
    """The last time of day `HH:MM` (UTC) up to `now`."""
    hour, minute = (int(part) for part in digest_at.split(":"))
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
