"""Whatever happens to the sources between merges, and wherever the merges fall, the target is their union."""

import json
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from opinionscope.jobs.result import no_progress
from opinionscope.merging import bringing
from opinionscope.merging.merge import merge
from opinionscope.store import mirroring
from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.markets import save_markets
from opinionscope.store.merged_trades import copy_trades
from opinionscope.store.positions import PositionChange, PositionKey, add_to_positions
from opinionscope.store.record_parts import sum_parts
from opinionscope.store.whale_activity import NewTrade, insert_trades, purge_trades, respell_trade
from opinionscope.store.whale_hours import SECONDS_PER_HOUR, add_to_hours
from opinionscope.store.whale_questions import QuestionKey, QuestionRow, save_questions
from opinionscope.store.whales import add_whales
from opinionscope.times import from_unix, to_millis_text
from tests.cli.conftest import market
from tests.merging.union import assert_union, rows_of
from tests.rounds import examples

START = datetime(2026, 3, 1, tzinfo=UTC)
WALLETS = [f"0x{number:040x}" for number in range(1, 7)]
STEPS = (
    "insert",
    "insert",
    "respell",
    "withdraw",
    "purge",
    "judge",
    "market",
    "move",
    "restore",
    "merge",
    "merge",
    "broken merge",
)
STEP = st.tuples(st.sampled_from(STEPS), st.integers(0, 2**32))


@cache
def database_with_wallets() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "source.db"
        with Store.open(path) as store:
            add_whales(store, [(wallet, None) for wallet in WALLETS], "manual", START)
        return path.read_bytes()


class History:
    """Three sources that share six wallets, and a merged database."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.serial = folder, START, 0
        self.forgotten = False
        self.target = folder / "merged.db"
        self.sources = [folder / f"source {number}?.db" for number in range(3)]
        self.owners = {wallet: self.sources[number % 3] for number, wallet in enumerate(WALLETS)}
        for path in self.sources:
            path.write_bytes(database_with_wallets())
            self._share_out(path)

    def change(self, step: str, seed: int) -> None:
        """Let something happen to one of the sources."""
        chance = random.Random(seed)
        path = chance.choice(self.sources)
        self.now += timedelta(minutes=chance.choice((0, 1, 1)))
        if step == "restore":
            self._restore(path)
            return
        with Store.open(path) as store, store.transaction() as transaction:
            own = [row[0] for row in transaction.execute("SELECT address FROM whales WHERE elsewhere = 0")]
        if step == "move" and own:
            self._move(path, chance.choice(own), chance)
            return
        with Store.open(path) as store:
            if step == "purge":
                purge_trades(store, self.now - timedelta(hours=chance.randrange(48)), chance.choice((1, 3, 100)))
            elif step == "market":
                number = str(chance.randrange(5))
                save_markets(store, [market(number, f"Title {chance.randrange(3)}")], self.now)
            elif own:
                with store.transaction() as transaction:
                    getattr(self, f"_{step}")(transaction, chance.choice(own), chance)

    def _insert(self, transaction: sqlite3.Connection, wallet: str, chance: random.Random) -> None:
        trades = [self._trade(chance) for _ in range(chance.randrange(1, 6))]
        insert_trades(transaction, wallet, trades, self.now)
        shares, seconds = chance.random(), {self._second(chance): 1}
        change = PositionChange(buy_shares=shares, buy_amount=shares, trade_count=len(trades), seconds=seconds)
        add_to_positions(transaction, wallet, {PositionKey(trades[0].market_external_id, 1): change})
        ((wallet_id,),) = transaction.execute("SELECT id FROM whales WHERE address = ?", (wallet,))
        add_to_hours(transaction, wallet_id, {self._second(chance) // SECONDS_PER_HOUR: 1.0})
        transaction.execute(
            "UPDATE whales SET known_trades = known_trades + ? WHERE address = ?", (len(trades), wallet)
        )

    def _respell(self, transaction: sqlite3.Connection, wallet: str, chance: random.Random) -> None:
        if trade := self._any_trade(transaction, wallet, chance):
            respell_trade(transaction, trade, self._trade(chance))

    def _withdraw(self, transaction: sqlite3.Connection, wallet: str, chance: random.Random) -> None:
        if trade := self._any_trade(transaction, wallet, chance):
            moment = to_millis_text(self.now)
            transaction.execute("UPDATE whale_activity SET withdrawn_at = ? WHERE id = ?", (moment, trade))

    def _judge(self, transaction: sqlite3.Connection, wallet: str, chance: random.Random) -> None:
        key = QuestionKey(wallet, str(chance.randrange(3)))
        row = QuestionRow("open", 0, chance.random(), None, 1, 1, 0, 0, 0, 1, 0, 0, 0, None, None)
        save_questions(transaction, [(key, chance.choice((row, row, None)))])
        sum_parts(transaction, [(wallet, key.part)])

    def _move(self, path: Path, wallet: str, chance: random.Random) -> None:
        """Let another source poll the wallet, which has read its list by then, as far as it goes."""
        other = chance.choice([source for source in self.sources if source != path])
        with closing(sqlite3.connect(other, isolation_level=None)) as connection:
            connection.execute("ATTACH ? AS old", (str(path),))
            connection.execute("BEGIN IMMEDIATE")
            names = [row[0] for row in connection.execute("SELECT name FROM pragma_table_info('whale_activity')")][1:]
            columns = ", ".join(names)
            connection.execute("DELETE FROM main.whale_activity WHERE whale_address = ?", (wallet,))
            connection.execute(
                f"INSERT INTO main.whale_activity ({columns}) SELECT {columns} FROM old.whale_activity "
                "WHERE whale_address = ? AND random() % 8 <> 0",
                (wallet,),
            )
            moment = to_millis_text(self.now)
            connection.execute(
                "UPDATE main.whales SET elsewhere = 0, last_synced_at = ? WHERE address = ?", (moment, wallet)
            )
            connection.execute("UPDATE old.whales SET elsewhere = 1 WHERE address = ?", (wallet,))
            connection.execute("COMMIT")
        self.owners[wallet] = other

    def _restore(self, path: Path) -> None:
        """Make a backup, or put it back if there is one."""
        backup = path.with_suffix(".backup")
        if backup.exists():
            shutil.move(backup, path)
            self.forgotten = True
            self._share_out(path)
        else:
            shutil.copy(path, backup)

    def break_off_merge(self, seed: int) -> None:
        """Merge, and break off in the middle of one of the transactions."""
        left = seed % 5

        def copy_or_fail(*arguments: Any) -> int:
            nonlocal left
            left -= 1
            copied = copy_trades(*arguments)
            if left < 0:
                raise KeyboardInterrupt
            return copied

        with suppress(KeyboardInterrupt), patch.object(bringing, "copy_trades", copy_or_fail):
            self.merge()

    def _share_out(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            own = [wallet for wallet, owner in self.owners.items() if owner == path]
            connection.execute(
                "UPDATE whales SET elsewhere = address NOT IN (SELECT value FROM json_each(?))", (json.dumps(own),)
            )

    def _any_trade(self, transaction: sqlite3.Connection, wallet: str, chance: random.Random) -> int | None:
        ids = transaction.execute("SELECT id FROM whale_activity WHERE whale_address = ?", (wallet,)).fetchall()
        return int(chance.choice(ids)[0]) if ids else None

    def _second(self, chance: random.Random) -> int:
        return int(self.now.timestamp()) - chance.choice((0, 60, 3_600, 86_400, 172_800))

    def _trade(self, chance: random.Random) -> NewTrade:
        self.serial += 1
        market, moment = str(chance.randrange(4)), from_unix(self._second(chance))
        return NewTrade(
            market, None, None, f"0x{self.serial}", "BUY", "YES", 1, 0.5, 1.0, chance.random(), None, None, None, None,
            moment, chance.choice((1, 2, self.serial)), self.serial,
        )  # fmt: skip

    def merge_only(self) -> None:
        result = merge(
            self.target, self.sources, log_retention=timedelta(days=1), clock=lambda: self.now, progress=no_progress
        )
        assert result is not None
        assert result.failures == []

    def merge(self) -> None:
        self.merge_only()
        # What a source knew of a market before it was put back from a backup stays: nobody knows better.
        assert_union(self.target, self.sources, forgotten=self.forgotten)


@examples(15)
@given(st.lists(STEP, min_size=4, max_size=30))
def test_the_target_is_the_union_of_its_sources_after_every_merge(steps: list[tuple[str, int]]) -> None:
    with (
        TemporaryDirectory() as folder,
        patch.object(bringing, "TRADES_AT_ONCE", 3),
        patch.object(bringing, "WALLETS_AT_ONCE", 1),
        patch.object(bringing, "PURGED_AT_ONCE", 2),
    ):
        history = History(Path(folder))
        for step, seed in [*steps, ("merge", 0)]:
            if step == "merge":
                history.merge()
            elif step == "broken merge":
                history.break_off_merge(seed)
            else:
                history.change(step, seed)


def insert(history: History, path: Path, wallet: str, seed: int) -> None:
    history.now += timedelta(minutes=1)
    with Store.open(path) as store, store.transaction() as transaction:
        history._insert(transaction, wallet, random.Random(seed))


def test_trades_that_get_the_ids_of_purged_ones_are_found(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]
    for seed in range(6):
        insert(history, path, WALLETS[0], seed)
    history.merge()
    with Store.open(path) as store:
        purge_trades(store, history.now + timedelta(days=1), 1_000)
    for seed in range(2):
        insert(history, path, WALLETS[3], seed)
    history.merge()


def test_a_source_that_was_put_back_from_a_backup_is_compared_as_a_whole(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]
    insert(history, path, WALLETS[0], 1)
    history._restore(path)
    for seed in (2, 3):
        insert(history, path, WALLETS[0], seed)
    history.merge()
    history._restore(path)
    for seed in (4, 5, 6):
        insert(history, path, WALLETS[0], seed)
    history.merge()


def test_a_wallet_that_is_added_while_a_first_merge_is_broken_off_comes_with_all_its_trades(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]
    history.owners[WALLETS[3]] = history.sources[1]
    history._share_out(path)
    insert(history, path, WALLETS[3], 1)
    for seed in (2, 3):
        insert(history, path, WALLETS[0], seed)
    history.break_off_merge(1)
    history.owners[WALLETS[3]] = path
    for source in history.sources:
        history._share_out(source)
    history.merge()


def test_a_source_that_takes_the_place_of_another_in_a_first_merge_is_compared_as_a_whole(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]
    for seed in range(4):
        insert(history, path, WALLETS[0], seed)
    history.break_off_merge(1)
    path.write_bytes(database_with_wallets())
    history._share_out(path)
    for seed in range(4, 12):
        insert(history, path, WALLETS[0], seed)
    history.merge()


def test_a_source_that_was_replaced_by_one_with_fewer_trades_is_compared_once(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.sources[0]
    for seed in range(4):
        insert(history, path, WALLETS[0], seed)
    history.merge()
    path.write_bytes(database_with_wallets())
    history._share_out(path)
    insert(history, path, WALLETS[0], 9)
    history.merge()
    with patch.object(bringing, "write_different", wraps=mirroring.write_different) as compared:
        history.merge()
    assert [
        call.args[1].table for call in compared.mock_calls if call.args[2] and call.args[1] is mirroring.TRADES
    ] == []


def test_after_an_upgrade_of_the_merged_database_everything_is_compared(tmp_path: Path) -> None:
    history = History(tmp_path)
    insert(history, history.sources[0], WALLETS[0], 1)
    history.merge()
    with closing(sqlite3.connect(history.target)) as connection, connection:
        connection.execute("UPDATE positions SET buy_shares = buy_shares + 1")
        connection.execute("UPDATE whale_activity SET chain_id = 'filled by the upgrade'")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    history.merge()


def test_a_market_dated_by_a_clock_that_was_ahead_does_not_keep_the_news_of_other_sources_away(tmp_path: Path) -> None:
    history = History(tmp_path)
    ahead, right = history.sources[:2]
    with Store.open(ahead) as store:
        save_markets(store, [market("1", "Old")], history.now + timedelta(days=30))
    history.merge()
    with Store.open(right) as store:
        save_markets(store, [market("1", "New")], history.now)
    for _ in range(2):
        history.merge_only()
        assert rows_of(history.target, "SELECT title FROM markets") == [("New",)]
