"""Whether the sources of a merged database are healthy: pure rules over what the merges noted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opinionscope.records import Millis, Record
from opinionscope.store.merged_databases import MergedDatabase
from opinionscope.times import ago

PATIENCE = timedelta(minutes=15)
"""How long ago the last merge of a source may be."""


@dataclass(frozen=True)
class SourceHealth(Record):
    """A source of a merged database: which part of `parts` it polls, and how many wallets are taken from it.

    `problems` are what is wrong with the merge, and what was wrong with the source's jobs when it was last merged.
    """

    path: str
    part: int | None
    parts: int | None
    wallets: int
    merged_at: Millis | None
    healthy: bool
    problems: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it is called in a line with others: its shard, or the end of its path."""
        return f"shard {self.part}/{self.parts}" if self.part else "/".join(Path(self.path).parts[-2:])

    @property
    def summary(self) -> str | None:
        """The first problem, and how many more there are; None if it is healthy."""
        if self.healthy:
            return None
        more = len(self.problems) - 1
        return f"{self.problems[0]} and {more} more" if more else self.problems[0]


def judge_source(source: MergedDatabase, now: datetime) -> SourceHealth:
    """The health of a source at a moment. A date later than now is not believed."""
    problems = [*_problems_of_merge(source, now), *source.problems]
    return SourceHealth(
        path=source.path,
        part=source.part,
        parts=source.parts,
        wallets=source.wallets,
        merged_at=source.merged_at,
        healthy=not problems,
        problems=tuple(problems),
    )


def _problems_of_merge(source: MergedDatabase, now: datetime) -> list[str]:
    if source.error is not None:
        return [f"not merged: {source.error.rstrip('.')}"]
    if source.merged_at is None:
        return ["not merged yet"]
    if not timedelta(0) <= now - source.merged_at <= PATIENCE:
        return [f"last merged {ago(source.merged_at, now)}"]
    return []
