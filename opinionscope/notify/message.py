"""A message to the people who run opinionscope, and what became of it at one target."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["failure", "success", "info"]
"""How a target should show a message, by Apprise's names."""


@dataclass(frozen=True)
class Message:
    """What is sent to each target: plain text."""

    title: str
    body: str
    severity: Severity = "info"


@dataclass(frozen=True)
class Delivery:
    """How one target received a message: its address without secrets, and the problem (None if it was accepted)."""

    target: str
    problem: str | None

    @property
    def accepted(self) -> bool:
        """Whether the target accepted the message."""
        return self.problem is None


def scheme_of(url: str) -> str:
    """The part of a URL that is safe to show before Apprise has said which parts are secret: `tgram://…`."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme[:30]}://…" if separator else "…"
