"""Merges that are killed at any statement: the next one ends as if nothing had happened, signals included."""

import os
import random
import shutil
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


def killed_merge(history: History, fatal: int) -> None:
    """Merge in a process that is killed before one of its statements."""
    child = os.fork()
    if not child:
        try:
            with Statements(fatal).watch():
                merged(history)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def statements_of_a_merge(history: History) -> int:
    """How many statements the next merge takes: counted on a copy."""
    copy, statements = Path(shutil.copy(history.target, history.target.with_name("copy.db"))), Statements()
    with statements.watch():
        merged(history, copy)
    return next(statements.numbers)


@pytest.mark.parametrize("seed", range(rounds(2)))
def test_after_kills_the_union_and_every_signal_are_those_of_merges_that_were_left_alone(
    watched: History, seed: int
) -> None:
    history, chance, alone = watched, random.Random(seed), watched.target.with_name("alone.db")
    for path in (history.target, alone):
        first_merge(history, path)
    for _ in range(4):
        for _ in range(chance.randrange(3, 15)):
            history.change(chance.choice(CHANGES), chance.randrange(2**32))
        merged(history, alone)
        with (
            patch.object(bringing, "TRADES_AT_ONCE", 3),
            patch.object(bringing, "WALLETS_AT_ONCE", 1),
            patch.object(bringing, "PURGED_AT_ONCE", 2),
            patch.object(judging, "WALLETS_AT_ONCE", 1),
        ):
            statements = statements_of_a_merge(history)
            for _ in range(chance.randrange(1, 4)):
                killed_merge(history, chance.randrange(statements))
            assert merged(history).failures == []
        assert_union(history.target, history.sources, forgotten=history.forgotten)
        assert told(history.target) == told(alone)
    assert rows_of(history.target, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(history.target, "SELECT count(*) FROM merged_news") == [(0,)]
    assert told(alone)[0], "nothing was news"
