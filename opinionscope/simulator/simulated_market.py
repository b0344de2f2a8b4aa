"""One market, and the shapes in which the API shows it: in a filtered list, in an unfiltered one and as a detail.

The differences are those of recorded answers of the live API: a topic (a categorical parent) says "Created" for ever
except in lists filtered by status, where its volumes are doubled and `childMarkets` has only children of that status.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Self

Kind = Literal["binary", "categorical", "child"]
View = Literal["activated", "resolved", ""]
"""The status that a list is filtered by; "" for an unfiltered list."""

CREATED, ACTIVATED, RESOLVING, RESOLVED, FAILED, DELETED = range(1, 7)
STATUS_NAMES = {
    CREATED: "Created",
    ACTIVATED: "Activated",
    RESOLVING: "Resolving",
    RESOLVED: "Resolved",
    FAILED: "Failed",
    DELETED: "Deleted",
}
VIEW_STATUS = {"activated": ACTIVATED, "resolved": RESOLVED}
VOLUMES = ("volume", "volume24h", "volume7d")
_ONLY_IN_DETAILS = ("volume24h", "volume7d")


@dataclass(eq=False, slots=True)
class SimulatedMarket:
    """A binary market, a topic with its children, or a child.

    `fields` are the upstream fields without `childMarkets`; change them through `change` only. A topic's status and
    volumes are not among them: they follow from its children. `closed_at` is when it stopped trading, in unix seconds.
    """

    id: int
    kind: Kind
    fields: dict[str, Any]
    children: list[Self] = field(default_factory=list)
    parent: Self | None = None
    closed_at: float | None = None
    _rendered: dict[str, bytes] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(self.fields["marketTitle"])

    @property
    def status(self) -> int:
        """The true status; of a topic, the one that its children add up to."""
        if self.kind != "categorical":
            return int(self.fields["status"])
        states = {child.status for child in self.children}
        if states & {ACTIVATED, RESOLVING}:
            return min(states & {ACTIVATED, RESOLVING})
        return DELETED if states == {DELETED} else RESOLVED

    @property
    def is_open(self) -> bool:
        """Whether it trades."""
        return self.status == ACTIVATED

    @property
    def root(self) -> "SimulatedMarket":
        return self.parent or self

    @property
    def tradable(self) -> "list[SimulatedMarket]":
        """The markets that trade under this one: a topic's children, or the market itself."""
        return list(self.children) or [self]

    @property
    def winning_side(self) -> int | None:
        """1 (yes) or 2 (no) once it is resolved."""
        token = self.fields.get("resultTokenId")
        return None if not token else 1 if token == self.fields["yesTokenId"] else 2

    def fair_price(self, outcome_side: int) -> Decimal:
        """What an outcome is about worth while nobody knows, 0.08 to 0.92; those of both sides make 1."""
        yes = Decimal(int(self.fields["yesTokenId"]) % 841 + 80) / 1000
        return yes if outcome_side == 1 else 1 - yes

    def traded_at(self, moment: float) -> bool:
        """Whether it was open at a moment, in unix seconds."""
        return bool(self.fields["createdAt"] <= moment) and (self.closed_at is None or moment < self.closed_at)

    def change(self, **fields: Any) -> None:
        self.fields.update(fields)
        self._rendered.clear()
        if self.parent is not None:
            self.parent._rendered.clear()

    def change_status(self, status: int) -> None:
        self.change(status=status, statusEnum=STATUS_NAMES[status])

    def as_json(self, view: View = "") -> dict[str, Any]:
        """A copy in the shape of a list's item; `view` is the status that the list is filtered by."""
        document = dict(self.fields)
        if self.kind == "child":
            return {name: value for name, value in document.items() if name not in _ONLY_IN_DETAILS}
        document["childMarkets"] = None
        if self.kind == "categorical":
            document |= self._topic_fields(view)
        return document

    def detail(self) -> dict[str, Any]:
        """A copy in the shape of its detail. A child's has a market type and volumes, and no parent id."""
        document = self.as_json()
        if self.kind == "child":
            document |= {name: self.fields[name] for name in _ONLY_IN_DETAILS}
            document |= {"marketType": 0, "childMarkets": None, "coverUrl": "", "thumbnailUrl": ""}
        return document

    def _topic_fields(self, view: View) -> dict[str, Any]:
        there = [child for child in self.children if child.status != DELETED]
        factor = 2 if view else 1
        sums = {name: factor * sum(Decimal(child.fields[name]) for child in there) for name in VOLUMES}
        shown = [child for child in there if not view or child.status == VIEW_STATUS[view]]
        status = VIEW_STATUS.get(view, CREATED)
        return {name: f"{total:.18f}" for name, total in sums.items()} | {
            "status": status,
            "statusEnum": STATUS_NAMES[status],
            "childMarkets": [child.as_json() for child in shown] or None,
        }

    def rendered(self, view: View | Literal["detail"]) -> bytes:
        """One JSON object in one of those shapes, rendered anew only after a change."""
        if view not in self._rendered:
            document = self.detail() if view == "detail" else self.as_json(view)
            self._rendered[view] = json.dumps(document).encode()
        return self._rendered[view]
