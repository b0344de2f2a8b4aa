"""The schema, as the steps that lead from an empty file to the present version.

A step is never changed once it has been released: what differs later is a further step. `user_version` counts the
steps that a file has taken, so that a run finds out without loading anything whether there is something to do.
"""

import sqlite3

from sqlite_utils import Database, Migrations

from opinionscope.store.migrations import (
    clock,
    corrections,
    first_release,
    indexes,
    market_identity,
    market_list,
    merging,
    polling,
    positions,
    shards,
    signals,
)

STEPS = (
    first_release.markets_whales_activity_and_log,
    first_release.alerts_and_health,
    first_release.newest_page_of_a_wallet,
    first_release.any_type_of_job_in_the_log,
    market_identity.topics_and_markets_of_one_number,
    clock.interrupted_runs_in_the_order_of_the_log,
    clock.moments_to_judge_the_clock_by,
    corrections.withdrawn_trades_and_doubted_histories,
    positions.positions_and_track_records,
    signals.rules_and_signals,
    corrections.young_trades_to_look_at_again,
    polling.rates_of_trading,
    shards.wallets_of_other_shards,
    merging.merged_databases,
    indexes.log_without_index_by_status,
    market_list.markets_as_they_were_listed,
    merging.news_of_merged_databases,
)
"""In the order in which they were released. A file remembers the steps by their names."""

migrations = Migrations("opinionscope")
for step in STEPS:
    migrations(name=step.__name__)(step)


def upgrade(connection: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet. The caller holds a write transaction: all or none."""
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    migrations.apply(database)
    # The step may have filled new columns here in another way than in the sources of a merged database.
    connection.execute("UPDATE merged_wallets SET rewritten = NULL, known_trades = NULL")
