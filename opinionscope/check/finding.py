"""What a check finds: how bad it is, what it is about, and one line that says what to do."""

from dataclasses import dataclass
from enum import Enum, auto


class Level(Enum):
    """How bad it is. A warning does not stop anything from working today."""

    OK = auto()
    WARNING = auto()
    FAILURE = auto()


@dataclass(frozen=True)
class Finding:
    """One line of `check`."""

    level: Level
    subject: str
    text: str


def ok(subject: str, text: str) -> Finding:
    """Nothing is wrong."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str) -> Finding:
    """Something to know about."""
    return Finding(Level.WARNING, subject, text)


def failure(subject: str, text: str) -> Finding:
    """Something that must be fixed."""
    return Finding(Level.FAILURE, subject, text)
