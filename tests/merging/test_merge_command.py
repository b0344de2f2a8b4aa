"""The command `merge`: what it refuses, what it leaves behind, and what becomes of it when it is killed."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.store.database import SCHEMA_VERSION, Store
from opinionscope.store.signals import NewSignal, insert_signal
from opinionscope.times import to_millis_text, utc_now
from tests.conftest import COMMAND, CommandLine
from tests.merging.conftest import Shards
from tests.merging.test_random_histories import WALLETS, History, insert
from tests.merging.union import assert_union, rows_of
from tests.users import ANNA, BEN, GROUP, folder_for_all, run_as


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Three sources with some trades each, in files with odd names."""
    folder = tmp_path / "a #folder, 100% [odd]?"
    folder.mkdir()
    history = History(folder)
    for number, path in enumerate(history.sources):
        for seed in range(3):
            insert(history, path, WALLETS[number], seed)
    return history


def merge(command: CommandLine, target: Path, *sources: Path) -> "subprocess.CompletedProcess[str]":
    return command("merge", str(target), *map(str, sources))


def written(target: Path) -> list[tuple[str, int]]:
    """How often each table was written: the triggers and the log of a connection would not tell."""
    tables = [name for (name,) in rows_of(target, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(table, hash(tuple(map(repr, rows_of(target, f"SELECT * FROM {table}"))))) for table in tables]


def test_files_with_odd_names_are_merged_and_are_not_changed(command: CommandLine, history: History) -> None:
    before = [path.read_bytes() for path in history.sources]
    result = merge(command, history.target, *history.sources)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert_union(history.target, history.sources)
    assert [path.read_bytes() for path in history.sources] == before


def test_a_merge_without_news_writes_only_that_it_was_made(history: History) -> None:
    history.merge()
    before = dict(written(history.target))
    history.now += timedelta(minutes=1)
    history.merge()
    assert [table for table, content in written(history.target) if before[table] != content] == ["merged_databases"]


def test_what_cannot_be_merged_is_refused_in_a_line(command: CommandLine, history: History, tmp_path: Path) -> None:
    one, two, three = history.sources
    link, hard = tmp_path / "link.db", tmp_path / "hard.db"
    link.symlink_to(one)
    os.link(two, hard)
    foreign, empty, newer = tmp_path / "foreign.db", tmp_path / "empty.db", tmp_path / "newer.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE other (a)")
    empty.touch()
    shutil.copy(three, newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for status, target, sources, words in (
        (2, one, [link], "is both TARGET and SOURCE"),
        (2, link, [two, one], "is both TARGET and SOURCE"),
        (2, history.target, [one, link], "are the same database"),
        (2, history.target, [two, hard], "are the same database"),
        (2, two, [one, three], "is not a merged database"),
        (1, history.target, [tmp_path / "missing.db"], "does not exist"),
        (1, history.target, [foreign], "belongs to another program"),
        (1, history.target, [empty], "is empty"),
        (1, history.target, [newer], "upgrade opinionscope"),
        (1, history.target, [tmp_path], "is a folder"),
    ):
        result = merge(command, target, *sources)
        assert result.stderr.count("\n") == 1, (sources, result.stderr)
        assert words in result.stderr
        assert result.returncode in (status, 78)
        assert not history.target.exists()
    assert empty.stat().st_size == 0


def test_what_is_wrong_with_one_source_keeps_no_other_from_being_merged(
    command: CommandLine, history: History, tmp_path: Path
) -> None:
    one, two, three = history.sources
    assert merge(command, history.target, one, two, three).returncode == 0
    away = two.rename(tmp_path / "away.db")
    insert(history, one, WALLETS[0], 77)
    result = merge(command, history.target, one, two, three)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "does not exist" in result.stderr
    assert_union(history.target, [one, away, three])
    verdict = command("status", "--db", str(history.target)).stdout.splitlines()[0]
    assert "not merged" in verdict
    assert ".," not in verdict
    nested = merge(command, tmp_path / "other.db", history.target, one)
    assert "is a merged database; name the databases" in nested.stderr
    assert rows_of(tmp_path / "other.db", "SELECT count(*) > 0 FROM whale_activity") == [(1,)]


def test_no_job_runs_and_no_wallet_is_changed_on_a_merged_database(command: CommandLine, history: History) -> None:
    history.merge()
    before = written(history.target)
    at = ("--db", str(history.target))
    command.settings["OPINION_TRADE_API_KEY"] = "a-key"
    for words in (
        ["sync", "whales"], ["sync", "markets"], ["sync", "positions"], ["stats"], ["cleanup"],
        ["cleanup", "--dry-run"],
        ["whales", "add", WALLETS[0]], ["whales", "remove", WALLETS[0]], ["whales", "rename", WALLETS[0], "Ann"],
        ["whales", "tag", WALLETS[0], "vip"], ["whales", "reread", WALLETS[0]], ["crontab", "install"],
    ):  # fmt: skip
        result = command(*words, *at)
        assert (result.returncode, "is a merged database" in result.stderr) == (78, True), (words, result.stderr)
    found = {finding["subject"] for finding in json.loads(command("check", *at, "--json").stdout)}
    assert found >= {"settings", "database"}
    assert not found & {"key", "exchange", "schedule", "last runs"}
    assert written(history.target) == before


def test_a_wrong_setting_is_told_and_no_signal_is_deleted_because_of_it(command: CommandLine, history: History) -> None:
    history.merge()
    with Store.open(history.target) as store, store.transaction() as transaction:
        old = to_millis_text(utc_now() - timedelta(days=200))
        insert_signal(transaction, NewSignal(1, "rule", "order", old, "sent", "{}"), [])
    command.settings["OPINIONSCOPE_LOG_RETENTION_DAYS"] = "a year"
    result = merge(command, history.target, *history.sources)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "OPINIONSCOPE_LOG_RETENTION_DAYS" in result.stderr
    assert rows_of(history.target, "SELECT count(*) FROM signals") == [(1,)]
    assert rows_of(history.target, "SELECT count(*) FROM whale_activity") == [
        (sum(rows_of(path, "SELECT count(*) FROM whale_activity")[0][0] for path in history.sources),)
    ]


def test_status_tells_how_the_sources_do(shards: Shards) -> None:
    shards.job("sync", "markets")
    for job in (("sync", "positions"), ("stats",), ("cleanup",)):
        shards.job(*job)
    shards.merge()
    well = shards.merged("status", "--json")
    document = json.loads(well.stdout)
    assert (well.returncode, document["healthy"], document["jobs"], document["polling"]) == (0, True, [], None)
    assert [source["wallets"] for source in document["sources"]] == [2, 2, 2]
    assert document["delay"]["trades"] == 0
    assert shards.merged("whales", "show", shards.exchange.wallets[0]).returncode == 0

    with closing(sqlite3.connect(shards.sources[1])) as connection, connection:
        connection.execute("UPDATE sync_logs SET status = 'failed', error = 'HTTP 500' WHERE type = 'stats'")
        connection.execute("UPDATE whales SET elsewhere = 1 WHERE id = 1")
    shards.merge()
    unwell = shards.merged("status")
    assert unwell.returncode == 1
    assert "shard2.db: stats failing" in unwell.stdout
    assert "1 wallet in no source" in unwell.stdout
    assert "No source of this merged database polls 1 more wallet." in shards.merged("whales", "list").stdout
    unpolled = shards.merged("whales", "show", shards.exchange.wallets[1])
    assert "polled by no source of this merged database" in unpolled.stdout

    with closing(sqlite3.connect(shards.merged.database)) as connection, connection:
        long_ago = to_millis_text(utc_now() - timedelta(hours=2))
        connection.execute("UPDATE merged_databases SET merged_at = ? WHERE id = 3", (long_ago,))
    assert "shard3.db: last merged 2 h" in shards.merged("status").stdout


def killed_merges(command: CommandLine, history: History, times: int) -> Iterator[int]:
    """Merges that are killed at moments drawn by chance: how many trades there were after each."""
    chance = random.Random(5)
    for number in range(times):
        words = [*COMMAND, "merge", str(history.target), *map(str, history.sources)]
        process = subprocess.Popen(words, env=command.environment, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not Path(f"{history.target}-wal").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        if number:
            time.sleep(chance.random() * 0.25)  # the first is killed as soon as it has begun
        process.kill()
        process.wait()
        is_made = rows_of(history.target, "SELECT 1 FROM sqlite_master WHERE name = 'whale_activity'")
        yield rows_of(history.target, "SELECT count(*) FROM whale_activity")[0][0] if is_made else 0


def test_a_first_merge_that_is_killed_goes_on_and_ends_exactly(command: CommandLine, history: History) -> None:
    for path in history.sources:
        with closing(sqlite3.connect(path)) as connection, connection:
            columns = ", ".join(
                name
                for (name,) in connection.execute("SELECT name FROM pragma_table_info('whale_activity')")
                if name not in ("id", "copy")
            )
            connection.execute(
                f"INSERT INTO whale_activity ({columns}, copy) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                f"SELECT i + 1 FROM n WHERE i < 2500) SELECT {columns}, id * 100000 + i FROM whale_activity, n"
            )
    seen = list(killed_merges(command, history, 3))
    total = sum(rows_of(path, "SELECT count(*) FROM whale_activity")[0][0] for path in history.sources)
    assert min(seen) < total, "the kills came too late to test anything"
    assert rows_of(history.target, "PRAGMA integrity_check") == [("ok",)]
    assert merge(command, history.target, *history.sources).returncode == 0
    assert_union(history.target, history.sources)


def test_beside_a_writer_nobody_waits_and_nothing_is_missed(history: History) -> None:
    with Store.open(history.sources[0]) as writer:
        for seed in range(20):
            with writer.transaction() as transaction:
                history._insert(transaction, WALLETS[0], random.Random(seed))
                if seed % 5 == 0:
                    # The transaction is open: the merge takes what was committed before it, and does not wait.
                    began = time.monotonic()
                    history.merge()
                    assert time.monotonic() - began < 10
    history.merge()


def test_the_databases_of_other_users_are_merged_by_one_who_may_only_read_them() -> None:
    with folder_for_all() as folder:
        shared = folder / "shared"
        shared.mkdir(mode=0o755)
        os.chown(shared, ANNA, GROUP)
        history = History(shared)
        insert(history, history.sources[0], WALLETS[0], 1)
        for path in history.sources:
            os.chown(path, ANNA, GROUP)
            path.chmod(0o640)
        home = folder / "home"
        home.mkdir(mode=0o755)
        own = folder / "own"
        own.mkdir(mode=0o700)
        os.chown(own, BEN, GROUP)
        command = CommandLine(home, own / "merged.db")
        before = sorted(path.name for path in shared.iterdir())
        result = run_as(BEN, command, "merge", str(command.database), *map(str, history.sources))
        assert (result.returncode, result.stderr) == (0, "")
        assert sorted(path.name for path in shared.iterdir()) == before
        assert_union(command.database, history.sources)
