"""How complete the stored history of a wallet is: the exchange's own count of its trades against what is known."""

from dataclasses import dataclass
from typing import Literal

from opinionscope.store.database import Row


@dataclass(frozen=True)
class Completeness:
    """The state of a wallet's history, and how many trades the exchange counts beyond those that are known."""

    word: Literal["complete", "catching up", "behind"]
    missing: int

    def __str__(self) -> str:
        return f"behind by {self.missing:,}" if self.word == "behind" else self.word


def completeness(whale: Row) -> Completeness:
    """Judge a row of `whales`. A wallet that was never polled, or whose list is being read, is catching up.

    Where the exchange told no total there is nothing to fall short of; one below what is known is no lack either.
    """
    total = whale["api_total"]
    missing = 0 if total is None else max(0, total - whale["known_trades"])
    never_polled = whale["last_polled_at"] is None
    if never_polled or whale["history_read_at"] is None or whale["resume_position"] is not None:
        return Completeness("catching up", missing)
    return Completeness("behind" if missing else "complete", missing)
