"""One market, kept in the very shape in which the API sends it."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Kind = Literal["binary", "categorical", "child"]

CREATED, ACTIVATED, RESOLVING, RESOLVED, FAILED, DELETED = range(1, 7)
STATUS_NAMES = {
    CREATED: "Created",
    ACTIVATED: "Activated",
    RESOLVING: "Resolving",
    RESOLVED: "Resolved",
    FAILED: "Failed",
    DELETED: "Deleted",
}


@dataclass(eq=False, slots=True)
class SimulatedMarket:
    """A binary market, a categorical one with its children, or a child.

    `fields` are the upstream fields without `childMarkets`; change them through `change` only.
    """

    id: int
    kind: Kind
    fields: dict[str, Any]
    children: list[Self] = field(default_factory=list)
    parent: Self | None = None
    _rendered: bytes | None = None

    @property
    def title(self) -> str:
        return str(self.fields["marketTitle"])

    @property
    def status(self) -> int:
        return int(self.fields["status"])

    @property
    def is_open(self) -> bool:
        """Whether it trades. A categorical market says "Created" for as long as it does."""
        return self.status == (CREATED if self.kind == "categorical" else ACTIVATED)

    @property
    def root(self) -> "SimulatedMarket":
        return self.parent or self

    def change(self, **fields: Any) -> None:
        self.fields.update(fields)
        self._rendered = None
        if self.parent is not None:
            self.parent._rendered = None

    def change_status(self, status: int) -> None:
        self.change(status=status, statusEnum=STATUS_NAMES[status])

    def as_json(self) -> dict[str, Any]:
        """A copy in the shape of the API's market object."""
        document = dict(self.fields)
        if self.kind != "child":
            document["childMarkets"] = [child.as_json() for child in self.children] or None
        return document

    @property
    def rendered(self) -> bytes:
        """The market and its children as one JSON object, rendered anew only after a change."""
        if self._rendered is None:
            self._rendered = json.dumps(self.as_json(), ensure_ascii=False).encode()
        return self._rendered
