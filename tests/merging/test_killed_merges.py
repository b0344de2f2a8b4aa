"""Merges that are killed at any statement: the next one ends as if nothing had happened, signals included."""

import os
import random
import signal
import sqlite3
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from opinionscope.merging import bringing, judging
from opinionscope.store import database
from tests.merging.test_random_histories import STEPS, History
from tests.merging.union import assert_union, rows_of
from tests.merging.watched import first_merge, merged, told
from tests.rounds import rounds

CHANGES = [step for step in STEPS if "merge" not in step]


class Statements:
    """Counts the statements of a merge, and has its process killed before one of them."""

    def __init__(self, fatal: int | None = None) -> None:
        self.numbers, self._fatal = count(), fatal
        self._execute = database._Connection.execute

    def watch(self) -> "AbstractContextManager[object]":
        def execute(connection: database._Connection, *arguments: Any) -> sqlite3.Cursor:
            if next(self.numbers) == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return self._execute(connection, *arguments)

        return patch.object(database._Connection, "execute", execute)


def killed_merge(history: History, target: Path, fatal: int) -> None:
    """Merge in a process that is killed before one of its statements."""
    child = os.fork()
    if not child:
        try:
            with Statements(fatal).watch():
                merged(history, target)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("seed", range(rounds(3)))
def test_after_kills_the_union_and_every_signal_are_those_of_merges_that_were_left_alone(
    watched: History, seed: int
) -> None:
    history, chance = watched, random.Random(seed)
    target, alone = history.target, history.target.with_name("alone.db")
    for path in (target, alone):
        first_merge(history, path)
    with (
        patch.object(bringing, "TRADES_AT_ONCE", 3),
        patch.object(bringing, "WALLETS_AT_ONCE", 1),
        patch.object(bringing, "PURGED_AT_ONCE", 2),
        patch.object(judging, "WALLETS_AT_ONCE", 1),
    ):
        for _ in range(4):
            for _ in range(chance.randrange(3, 15)):
                history.change(chance.choice(CHANGES), chance.randrange(2**32))
            statements = Statements()
            with statements.watch():
                merged(history, alone)
            for _ in range(chance.randrange(1, 4)):
                killed_merge(history, target, chance.randrange(next(statements.numbers)))
            assert merged(history).failures == []
            assert_union(target, history.sources, forgotten=history.forgotten)
            assert told(target) == told(alone)
    assert rows_of(target, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(target, "SELECT count(*) FROM merged_news") == [(0,)]
    assert told(target)[0], "nothing was news"
