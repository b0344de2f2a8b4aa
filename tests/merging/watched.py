"""Histories of sources whose trades are news, and what a merged database has to tell of them."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from opinionscope.jobs.result import no_progress
from opinionscope.merging.merge import Merged, merge
from opinionscope.store.database import Store
from opinionscope.store.rules import insert_rule
from opinionscope.times import to_millis_text, to_seconds_text
from tests.merging.test_random_histories import START, History
from tests.merging.union import Rows, rows_of

LONG_AGO = START - timedelta(days=30)
_SIGNALS = (
    "SELECT rule, kind, whale_address, market_external_id, outcome_side, action, change, fills, shares, amount, "
    "first_fill_at, last_fill_at, detected_at, state FROM signals"
)
_TOLD = "SELECT rule_id, market_external_id, outcome_side, whales, exposure FROM consensus_told"


def history_of_news(folder: Path) -> History:
    """Sources that have read the histories of their wallets long ago."""
    history = History(folder)
    for path in history.sources:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE whales SET tracked_since = ?, history_read_at = ?, last_synced_at = ?",
                (to_seconds_text(LONG_AGO), to_millis_text(LONG_AGO), to_millis_text(START)),
            )
    return history


def merged(history: History, target: Path | None = None) -> Merged:
    """What a merge did."""
    result = merge(
        target or history.target, history.sources, log_retention=None, clock=lambda: history.now, progress=no_progress
    )
    assert result is not None
    return result


def first_merge(history: History, target: Path | None = None) -> None:
    """Merge, and have every order and every consensus of two wallets told from then on."""
    assert merged(history, target).failures == []
    with Store.open(target or history.target) as store, store.transaction() as transaction:
        for name, filters in (("all", "{}"), ("agreed", '{"consensus": 2, "min_exposure": 0.01}')):
            insert_rule(
                transaction, name=name, filters=filters, targets="[]", cooldown=timedelta(0), digest_at=None,
                now=LONG_AGO,
            )  # fmt: skip


def told(target: Path) -> list[Rows]:
    """The signals, and how strong each consensus was."""
    return [sorted(rows_of(target, sql), key=repr) for sql in (_SIGNALS, _TOLD)]
