"""The schema, as the steps that lead from an empty file to the present version.

A step is never changed once it has been released: what differs later is a further step. `user_version` counts the
steps that a file has taken, so that a run finds out without loading anything whether there is something to do.
"""

import sqlite3

from sqlite_utils import Database, Migrations

migrations = Migrations("opinionscope")

_FIRST_RELEASE = """
    CREATE TABLE markets (
        platform TEXT NOT NULL,
        external_id TEXT NOT NULL,
        parent_external_id TEXT,
        market_type TEXT NOT NULL CHECK (market_type IN ('binary', 'categorical', 'child')),
        title TEXT NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('created', 'activated', 'resolving', 'resolved', 'failed', 'deleted')),
        labels TEXT NOT NULL,
        yes_label TEXT,
        no_label TEXT,
        yes_token_id TEXT,
        no_token_id TEXT,
        result_token_id TEXT,
        volume REAL,
        volume_24h REAL,
        volume_7d REAL,
        quote_token TEXT,
        chain_id TEXT,
        slug TEXT,
        rules TEXT,
        url TEXT,
        created_at TEXT,
        cutoff_at TEXT,
        resolved_at TEXT,
        first_seen_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        looked_up_at TEXT,
        PRIMARY KEY (platform, external_id)
    );
    CREATE INDEX markets_by_status ON markets (status);
    CREATE INDEX markets_by_parent ON markets (parent_external_id);

    CREATE TABLE whales (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        name TEXT,
        source TEXT NOT NULL,
        enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
        added_at TEXT NOT NULL,
        last_polled_at TEXT,
        last_synced_at TEXT,
        last_error TEXT,
        api_total INTEGER,
        known_trades INTEGER NOT NULL DEFAULT 0,
        history_read_at TEXT,
        resume_position INTEGER,
        settled_difference INTEGER NOT NULL DEFAULT 0,
        reread_found INTEGER NOT NULL DEFAULT 0,
        fruitless_rereads INTEGER NOT NULL DEFAULT 0,
        reread_after TEXT,
        traded_count INTEGER NOT NULL DEFAULT 0,
        traded_volume REAL NOT NULL DEFAULT 0,
        profit_sum REAL NOT NULL DEFAULT 0,
        newest_trade_at TEXT,
        trade_count INTEGER,
        total_volume REAL,
        last_active_at TEXT,
        volume_24h REAL,
        volume_7d REAL,
        volume_30d REAL,
        realized_profit REAL,
        stats_updated_at TEXT
    );

    CREATE TABLE whale_activity (
        id INTEGER PRIMARY KEY,
        whale_address TEXT NOT NULL,
        platform TEXT NOT NULL,
        market_external_id TEXT NOT NULL,
        root_market_external_id TEXT,
        market_title TEXT,
        tx_hash TEXT NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('BUY', 'SELL', 'SPLIT', 'MERGE')),
        outcome TEXT,
        outcome_side INTEGER,
        price REAL,
        shares REAL,
        amount REAL NOT NULL,
        fee REAL,
        profit REAL,
        quote_token TEXT,
        chain_id TEXT,
        timestamp TEXT NOT NULL,
        first_seen_at TEXT NOT NULL,
        fingerprint INTEGER NOT NULL,
        copy INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX whale_activity_identity
        ON whale_activity (whale_address, timestamp, fingerprint, copy);
    CREATE INDEX whale_activity_by_time ON whale_activity (timestamp);
    CREATE INDEX whale_activity_by_market ON whale_activity (market_external_id, timestamp);

    CREATE TABLE counted_trades (
        whale_id INTEGER NOT NULL,
        second INTEGER NOT NULL,
        fingerprint INTEGER NOT NULL,
        copies INTEGER NOT NULL,
        PRIMARY KEY (whale_id, second, fingerprint)
    ) WITHOUT ROWID;

    CREATE TABLE whale_hours (
        whale_id INTEGER NOT NULL,
        hour INTEGER NOT NULL,
        volume REAL NOT NULL,
        PRIMARY KEY (whale_id, hour)
    ) WITHOUT ROWID;

    CREATE TABLE sync_logs (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL CHECK (type IN ('markets', 'whales', 'stats', 'cleanup')),
        status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'skipped')),
        started_at TEXT NOT NULL,
        ended_at TEXT,
        item_count INTEGER NOT NULL DEFAULT 0,
        failed_count INTEGER NOT NULL DEFAULT 0,
        request_count INTEGER NOT NULL DEFAULT 0,
        throttled_count INTEGER NOT NULL DEFAULT 0,
        error TEXT
    );
    CREATE INDEX sync_logs_by_type ON sync_logs (type, started_at);
    CREATE INDEX sync_logs_by_status ON sync_logs (status, started_at);
    CREATE INDEX sync_logs_by_start ON sync_logs (started_at);

    CREATE TABLE request_minutes (
        minute TEXT PRIMARY KEY,
        requests INTEGER NOT NULL,
        throttled INTEGER NOT NULL
    ) WITHOUT ROWID;
"""

# The rules of `opinionscope.track_record.positions`, in which each figure is explained.
_POSITION_FIGURES = """
    CREATE VIEW position_figures AS
    WITH summed AS (
        SELECT position.*,
            buy_shares + split_shares AS acquired, buy_amount + split_shares / 2 AS cost,
            sell_shares + merge_shares AS disposed, sell_amount + merge_shares / 2 AS proceeds,
            CASE
                WHEN market.status IN ('failed', 'deleted') THEN 'void'
                WHEN outcome_side NOT IN (1, 2) THEN 'undecided'
                WHEN market.result_token_id <> '' AND market.result_token_id
                    = iif(outcome_side = 1, market.yes_token_id, market.no_token_id) THEN 'won'
                WHEN market.result_token_id <> '' AND market.result_token_id
                    = iif(outcome_side = 1, market.no_token_id, market.yes_token_id) THEN 'lost'
                WHEN market.status = 'resolved' THEN 'void'
                ELSE 'undecided'
            END AS result
        FROM positions AS position
            LEFT JOIN markets AS market ON market.platform = position.platform
                AND market.external_id = position.market_external_id AND (market.market_type = 'categorical') = 0
    ), averaged AS (
        SELECT *, iif(acquired > 0, cost / acquired, NULL) AS cost_per_share FROM summed
    ), held AS (
        SELECT *,
            iif(acquired > disposed AND (acquired - disposed) * cost_per_share >= 0.01, acquired - disposed, 0.0)
                AS net_shares,
            iif(disposed > acquired AND (disposed - acquired) * ifnull(cost_per_share, proceeds / disposed) >= 0.01,
                disposed - acquired, 0.0) AS unexplained_shares
        FROM averaged
    ), judged AS (
        SELECT *, net_shares * ifnull(cost_per_share, 0.0) AS exposure,
            iif(net_shares = 0, 'exited', iif(result = 'undecided', 'open', result)) AS state
        FROM held
    )
    SELECT id, whale_address, platform, market_external_id, outcome_side, net_shares, cost_per_share, exposure,
        iif(min(acquired, disposed) > 0,
            min(acquired, disposed) * (proceeds / disposed - cost_per_share), 0.0) AS realized,
        iif(state = 'open', net_shares * iif(api_shares > 0, api_value / api_shares, NULL) - exposure, 0.0)
            AS unrealized,
        CASE state WHEN 'won' THEN net_shares - exposure WHEN 'lost' THEN -exposure ELSE 0.0 END AS settled,
        unexplained_shares, state
    FROM judged
"""

# One scan and one sort of narrow rows, however many trades there are; titles are long, so they are looked up by market.
_SUM_UP_STORED_TRADES = """
    CREATE TEMP TABLE latest_titles (market TEXT PRIMARY KEY, root TEXT, title TEXT) WITHOUT ROWID;
    INSERT INTO latest_titles
    WITH RECURSIVE named(market) AS (
        SELECT min(market_external_id) FROM whale_activity
        UNION ALL
        SELECT (SELECT min(market_external_id) FROM whale_activity WHERE market_external_id > named.market)
        FROM named WHERE named.market IS NOT NULL
    ), latest AS (
        SELECT market, (SELECT id FROM whale_activity WHERE market_external_id = market ORDER BY timestamp DESC LIMIT 1)
            AS trade_id FROM named WHERE market IS NOT NULL
    )
    SELECT market, root_market_external_id, market_title FROM latest JOIN whale_activity ON id = trade_id;

    INSERT INTO positions (whale_address, platform, market_external_id, outcome_side, root_market_external_id,
        market_title, outcome, buy_shares, buy_amount, sell_shares, sell_amount, split_shares, merge_shares, fees,
        trade_count, first_traded_at, last_traded_at)
    WITH sides(side) AS (VALUES (0), (1), (2)), summed AS (
        SELECT whale_address, platform, market_external_id AS market, side,
            max(iif(action IN ('BUY', 'SELL') OR outcome_side = side, outcome, NULL)) AS label,
            total(iif(action = 'BUY', shares, 0)) AS buy_shares,
            total(iif(action = 'BUY', amount, 0)) AS buy_amount,
            total(iif(action = 'SELL', shares, 0)) AS sell_shares,
            total(iif(action = 'SELL', amount, 0)) AS sell_amount,
            total(iif(action = 'SPLIT', ifnull(nullif(shares, 0), amount), 0)) AS split_shares,
            total(iif(action = 'MERGE', ifnull(nullif(shares, 0), amount), 0)) AS merge_shares,
            total(iif(action IN ('BUY', 'SELL'), fee, fee / 2)) AS fees,
            count(*) AS trade_count, min(timestamp) AS first_traded_at, max(timestamp) AS last_traded_at
        FROM whale_activity NOT INDEXED CROSS JOIN sides ON CASE
            WHEN action IN ('SPLIT', 'MERGE') THEN side IN (1, 2)
            WHEN outcome_side IN (1, 2) THEN side = outcome_side
            WHEN lower(trim(outcome)) = 'yes' THEN side = 1
            WHEN lower(trim(outcome)) = 'no' THEN side = 2
            ELSE side = 0
        END
        WHERE withdrawn_at IS NULL
        GROUP BY whale_address, platform, market_external_id, side
    )
    SELECT whale_address, platform, summed.market, side, root, title, label, buy_shares, buy_amount, sell_shares,
        sell_amount, split_shares, merge_shares, fees, trade_count, first_traded_at, last_traded_at
    FROM summed LEFT JOIN latest_titles ON latest_titles.market = summed.market;
    DROP TABLE latest_titles;
    CREATE INDEX positions_by_market ON positions (market_external_id);
    CREATE INDEX positions_by_question ON positions (whale_address, question);
    CREATE INDEX positions_due ON positions (whale_address) WHERE figures_due = 1;
"""

# Of these only the keys are known, so the lists that show them are read once more, as by `doubt_history`.
_READ_COUNTED_TRADES_AGAIN = """
    INSERT INTO unsummed_trades SELECT whale_id, second, fingerprint, copies FROM counted_trades;
    UPDATE whales SET unsummed = (SELECT ifnull(sum(copies), 0) FROM unsummed_trades WHERE whale_id = whales.id);
    UPDATE whales SET doubted = 1, unordered = 0, resume_position = NULL, fruitless_rereads = 0, reread_after = NULL,
        newest_page = NULL, listed_newest = NULL, deep_failures = 0, whole_read_at = NULL, audit_began_at = NULL,
        audit_total = NULL, audit_is_sound = 0 WHERE unsummed > 0;
"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet. The caller holds a write transaction: all or none."""
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    migrations.apply(database)


@migrations()
def markets_whales_activity_and_log(db: Database) -> None:
    """The tables of the first release."""
    db.executescript(_FIRST_RELEASE)


@migrations()
def alerts_and_health(db: Database) -> None:
    """What has been told to whom, and an index by which a year of log answers at once."""
    db.executescript("""
        CREATE TABLE alert_states (
            job TEXT PRIMARY KEY,
            failing_since TEXT NOT NULL,
            alerted_at TEXT,
            recovered_at TEXT,
            refused_at TEXT
        ) WITHOUT ROWID;

        CREATE TABLE deliveries (
            channel TEXT PRIMARY KEY CHECK (channel IN ('alert', 'ping')),
            last_sent_at TEXT,
            last_error TEXT
        ) WITHOUT ROWID;

        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status, started_at);
    """)


@migrations()
def newest_page_of_a_wallet(db: Database) -> None:
    """What the newest page of a wallet looked like when it was stored, so that the same one is known at sight."""
    db.execute("ALTER TABLE whales ADD COLUMN newest_page BLOB")


@migrations()
def any_type_of_job_in_the_log(db: Database) -> None:
    """The log without a list of jobs: which ones there are is said in one place, the table of jobs."""
    db.executescript("""
        CREATE TABLE new_sync_logs (
            id INTEGER PRIMARY KEY,
            type TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'skipped')),
            started_at TEXT NOT NULL,
            ended_at TEXT,
            item_count INTEGER NOT NULL DEFAULT 0,
            failed_count INTEGER NOT NULL DEFAULT 0,
            request_count INTEGER NOT NULL DEFAULT 0,
            throttled_count INTEGER NOT NULL DEFAULT 0,
            error TEXT
        );
        INSERT INTO new_sync_logs SELECT id, type, status, started_at, ended_at, item_count, failed_count,
            request_count, throttled_count, error FROM sync_logs;
        DROP TABLE sync_logs;
        ALTER TABLE new_sync_logs RENAME TO sync_logs;
        CREATE INDEX sync_logs_by_type ON sync_logs (type, started_at);
        CREATE INDEX sync_logs_by_status ON sync_logs (status, started_at);
        CREATE INDEX sync_logs_by_start ON sync_logs (started_at);
        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status, started_at);
    """)


@migrations()
def topics_and_markets_of_one_number(db: Database) -> None:
    """The key of a market says whether it is a topic: upstream numbers topics and markets by counters that overlap.

    Lookups have a table of their own, because a market that only trades name has no row here yet.
    """
    columns = """
        platform, external_id, parent_external_id, market_type, title, status, labels, yes_label, no_label,
        yes_token_id, no_token_id, result_token_id, volume, volume_24h, volume_7d, quote_token, chain_id, slug, rules,
        url, created_at, cutoff_at, resolved_at, first_seen_at, updated_at
    """
    # Only names of columns are put in.
    db.executescript(f"""
        CREATE TABLE new_markets (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            parent_external_id TEXT,
            market_type TEXT NOT NULL CHECK (market_type IN ('binary', 'categorical', 'child')),
            title TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('created', 'activated', 'resolving', 'resolved', 'failed', 'deleted')),
            labels TEXT NOT NULL,
            yes_label TEXT,
            no_label TEXT,
            yes_token_id TEXT,
            no_token_id TEXT,
            result_token_id TEXT,
            volume REAL,
            volume_24h REAL,
            volume_7d REAL,
            quote_token TEXT,
            chain_id TEXT,
            slug TEXT,
            rules TEXT,
            url TEXT,
            created_at TEXT,
            cutoff_at TEXT,
            resolved_at TEXT,
            first_seen_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        );
        CREATE TABLE market_lookups (
            platform TEXT NOT NULL,
            external_id TEXT NOT NULL,
            is_topic INTEGER NOT NULL CHECK (is_topic IN (0, 1)),
            looked_up_at TEXT NOT NULL,
            fruitless INTEGER NOT NULL,
            due_at TEXT NOT NULL,
            PRIMARY KEY (platform, external_id, is_topic)
        ) WITHOUT ROWID;
        INSERT INTO new_markets ({columns}) SELECT {columns} FROM markets;
        INSERT INTO market_lookups SELECT platform, external_id, market_type = 'categorical', looked_up_at, 0,
            looked_up_at FROM markets WHERE looked_up_at IS NOT NULL;
        DROP TABLE markets;
        ALTER TABLE new_markets RENAME TO markets;
        CREATE UNIQUE INDEX markets_identity ON markets (platform, external_id, market_type = 'categorical');
        CREATE INDEX markets_by_status ON markets (status);
        CREATE INDEX markets_by_parent ON markets (parent_external_id);
    """)  # noqa: S608


@migrations()
def interrupted_runs_in_the_order_of_the_log(db: Database) -> None:
    """A status for runs that somebody stopped by hand, and indexes that need no clock: the id is the order of runs.

    The table and its other indexes are rebuilt from their own SQL, whatever later or earlier steps have made of them.
    """
    table = str(db.execute("SELECT sql FROM sqlite_master WHERE name = 'sync_logs'").fetchone()[0])
    body = table[table.index("(") :].replace("'failed', 'skipped')", "'failed', 'skipped', 'interrupted')")
    others = db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sync_logs' AND sql IS NOT NULL "
        "AND name NOT IN ('sync_logs_by_type', 'sync_logs_by_type_and_status')"
    )
    indexes = [row[0] for row in others]
    db.executescript("CREATE TABLE new_sync_logs " + body)
    db.executescript("""
        INSERT INTO new_sync_logs SELECT * FROM sync_logs;
        DROP TABLE sync_logs;
        ALTER TABLE new_sync_logs RENAME TO sync_logs;
        CREATE INDEX sync_logs_by_type ON sync_logs (type);
        CREATE INDEX sync_logs_by_type_and_status ON sync_logs (type, status);
    """)
    db.executescript(";".join(indexes))


@migrations()
def moments_to_judge_the_clock_by(db: Database) -> None:
    """The exchange's own time, and since when the jobs can be expected to run."""
    db.executescript("""
        CREATE TABLE exchange_clock (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            exchange_at TEXT NOT NULL,
            machine_at TEXT NOT NULL
        );
        CREATE TABLE schedule (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            first_used_at TEXT NOT NULL,
            installed_at TEXT
        );
        INSERT INTO schedule (id, first_used_at)
            SELECT 1, ifnull(min(started_at), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) FROM sync_logs;
    """)


@migrations()
def withdrawn_trades_and_doubted_histories(db: Database) -> None:
    """What a list shows no more, what waits for its confirmation, and how surely a wallet's history is known."""
    db.executescript("""
        ALTER TABLE whale_activity ADD COLUMN missed_at TEXT;
        ALTER TABLE whale_activity ADD COLUMN withdrawn_at TEXT;
        CREATE INDEX whale_activity_missed ON whale_activity (whale_address, missed_at)
            WHERE missed_at IS NOT NULL;

        CREATE TABLE waiting_trades (
            whale_id INTEGER NOT NULL,
            second INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL,
            copies INTEGER NOT NULL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (whale_id, second, fingerprint)
        ) WITHOUT ROWID;

        ALTER TABLE whales ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN unordered INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN ahead_since TEXT;
        ALTER TABLE whales ADD COLUMN audit_began_at TEXT;
        ALTER TABLE whales ADD COLUMN audit_total INTEGER;
        ALTER TABLE whales ADD COLUMN audit_is_sound INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN whole_read_at TEXT;
        ALTER TABLE whales ADD COLUMN looked_through_at TEXT;
        ALTER TABLE whales ADD COLUMN listed_newest INTEGER;
        ALTER TABLE whales ADD COLUMN deep_failures INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN failed_below INTEGER;
        ALTER TABLE whales ADD COLUMN standing TEXT;
        ALTER TABLE whales ADD COLUMN standing_since TEXT;
    """)


@migrations()
def positions_and_track_records(db: Database) -> None:
    """What each wallet holds, as sums of its trades, and how well it has done.

    `positions` holds sums, `position_figures` shows what follows from them by the rules of `track_record.positions`,
    `whale_questions` keeps what follows for each question, and `record_parts` the sums of a part of a wallet's
    questions, so that new trades are all that has to be worked out. `unsummed_trades` are those that are counted and in
    no sum yet.
    """
    db.executescript("""
        CREATE TABLE positions (
            id INTEGER PRIMARY KEY,
            whale_address TEXT NOT NULL,
            platform TEXT NOT NULL,
            market_external_id TEXT NOT NULL,
            outcome_side INTEGER NOT NULL,
            root_market_external_id TEXT,
            market_title TEXT,
            outcome TEXT,
            question TEXT,
            buy_shares REAL NOT NULL DEFAULT 0,
            buy_amount REAL NOT NULL DEFAULT 0,
            sell_shares REAL NOT NULL DEFAULT 0,
            sell_amount REAL NOT NULL DEFAULT 0,
            split_shares REAL NOT NULL DEFAULT 0,
            merge_shares REAL NOT NULL DEFAULT 0,
            fees REAL NOT NULL DEFAULT 0,
            trade_count INTEGER NOT NULL DEFAULT 0,
            first_traded_at TEXT,
            last_traded_at TEXT,
            api_shares REAL,
            api_value REAL,
            api_unrealized REAL,
            claim_status TEXT,
            checked_at TEXT,
            disagrees_since TEXT,
            figures_due INTEGER NOT NULL DEFAULT 1 CHECK (figures_due IN (0, 1))
        );
        CREATE UNIQUE INDEX positions_identity
            ON positions (whale_address, platform, market_external_id, outcome_side);

        CREATE TABLE whale_questions (
            whale_address TEXT NOT NULL,
            platform TEXT NOT NULL,
            part INTEGER NOT NULL,
            question TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('open', 'won', 'lost', 'even', 'void')),
            realized REAL NOT NULL,
            settled REAL NOT NULL,
            unrealized REAL,
            exposure REAL NOT NULL,
            cost REAL NOT NULL,
            void_cost REAL NOT NULL,
            edge REAL NOT NULL,
            variance REAL NOT NULL,
            open_positions INTEGER NOT NULL,
            marked_positions INTEGER NOT NULL,
            without_outcome INTEGER NOT NULL,
            unknown_markets INTEGER NOT NULL,
            last_traded_at TEXT,
            closed_at TEXT,
            PRIMARY KEY (whale_address, platform, part, question)
        ) WITHOUT ROWID;

        CREATE TABLE record_parts (
            whale_address TEXT NOT NULL,
            platform TEXT NOT NULL,
            part INTEGER NOT NULL,
            won INTEGER NOT NULL,
            lost INTEGER NOT NULL,
            decided_profit REAL NOT NULL,
            decided_cost REAL NOT NULL,
            net_profit REAL NOT NULL,
            unrealized REAL NOT NULL,
            exposure REAL NOT NULL,
            edge REAL NOT NULL,
            variance REAL NOT NULL,
            open_positions INTEGER NOT NULL,
            marked_positions INTEGER NOT NULL,
            without_outcome INTEGER NOT NULL,
            unknown_markets INTEGER NOT NULL,
            PRIMARY KEY (whale_address, platform, part)
        ) WITHOUT ROWID;

        CREATE TABLE unsummed_trades (
            whale_id INTEGER NOT NULL,
            second INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL,
            copies INTEGER NOT NULL,
            PRIMARY KEY (whale_id, second, fingerprint)
        ) WITHOUT ROWID;

        CREATE TABLE whale_tags (
            whale_address TEXT NOT NULL,
            tag TEXT NOT NULL,
            PRIMARY KEY (whale_address, tag)
        ) WITHOUT ROWID;
        CREATE INDEX whale_tags_by_tag ON whale_tags (tag);

        ALTER TABLE whales ADD COLUMN net_profit REAL;
        ALTER TABLE whales ADD COLUMN unrealized_profit REAL;
        ALTER TABLE whales ADD COLUMN exposure REAL;
        ALTER TABLE whales ADD COLUMN decided_questions INTEGER;
        ALTER TABLE whales ADD COLUMN won_questions INTEGER;
        ALTER TABLE whales ADD COLUMN win_rate_low REAL;
        ALTER TABLE whales ADD COLUMN win_rate_high REAL;
        ALTER TABLE whales ADD COLUMN roi REAL;
        ALTER TABLE whales ADD COLUMN luck REAL;
        ALTER TABLE whales ADD COLUMN record_withheld TEXT;
        ALTER TABLE whales ADD COLUMN farming_share REAL;
        ALTER TABLE whales ADD COLUMN farming_since TEXT;
        ALTER TABLE whales ADD COLUMN farming_checked_at TEXT;
        ALTER TABLE whales ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN unsummed INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN positions_checked_at TEXT;
        ALTER TABLE whales ADD COLUMN positions_error TEXT;

        ALTER TABLE positions ADD COLUMN differs_since TEXT;
        CREATE INDEX positions_disagreeing ON positions (whale_address) WHERE disagrees_since IS NOT NULL;
    """)
    db.executescript(_POSITION_FIGURES)
    db.executescript(_SUM_UP_STORED_TRADES)
    db.executescript(_READ_COUNTED_TRADES_AGAIN)
    _change_log(db, "'whales', 'stats'", "'whales', 'positions', 'stats'")


@migrations()
def rules_and_signals(db: Database) -> None:
    """What the user wants to be told of, what there is to tell, and who has been told.

    `signals` is an outbox: a row is written in the transaction of its cause. Its `uid` is random, because an `id` is
    given again to another signal when a backup has been put back. `signal_deliveries` says for each signal and target
    how far it is, `signal_targets` how each target does. `told_in` is the signal of several that tells of one,
    `fill_ids` are the trades of an order, as a JSON array. `consensus_told` is how strong each consensus that stands
    was when it was told. A wallet's news begins at `tracked_since`.
    """
    db.executescript("""
        CREATE TABLE rules (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            filters TEXT NOT NULL,
            targets TEXT NOT NULL,
            cooldown_seconds INTEGER NOT NULL,
            digest_at TEXT,
            enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
            created_at TEXT NOT NULL,
            active_since TEXT NOT NULL,
            digested_until TEXT
        );

        CREATE TABLE signals (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uid TEXT NOT NULL,
            rule_id INTEGER NOT NULL,
            rule TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('order', 'consensus', 'digest', 'summary')),
            whale_address TEXT,
            market_external_id TEXT,
            outcome_side INTEGER,
            action TEXT,
            change TEXT,
            fills INTEGER,
            shares REAL,
            amount REAL,
            price REAL,
            first_fill_at TEXT,
            last_fill_at TEXT,
            detected_at TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'suppressed', 'failed')),
            reason TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            sent_at TEXT,
            document TEXT NOT NULL,
            told_in INTEGER,
            fill_ids TEXT NOT NULL DEFAULT '[]'
        );
        CREATE INDEX signals_by_fills ON signals (whale_address, last_fill_at);
        CREATE INDEX signals_by_rule ON signals (rule_id, detected_at);
        CREATE INDEX signals_by_time ON signals (detected_at);

        CREATE TABLE signal_deliveries (
            signal_id INTEGER NOT NULL,
            target TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'suppressed', 'failed')),
            attempts INTEGER NOT NULL DEFAULT 0,
            due_at TEXT,
            reason TEXT,
            sent_at TEXT,
            PRIMARY KEY (signal_id, target)
        ) WITHOUT ROWID;
        CREATE INDEX signal_deliveries_pending ON signal_deliveries (target, signal_id) WHERE state = 'pending';

        CREATE TABLE signal_targets (
            target TEXT PRIMARY KEY,
            failing_since TEXT,
            last_error TEXT,
            last_sent_at TEXT
        ) WITHOUT ROWID;

        CREATE TABLE consensus_told (
            rule_id INTEGER NOT NULL,
            market_external_id TEXT NOT NULL,
            outcome_side INTEGER NOT NULL,
            whales INTEGER NOT NULL,
            exposure REAL NOT NULL,
            PRIMARY KEY (rule_id, market_external_id, outcome_side)
        ) WITHOUT ROWID;

        ALTER TABLE whales ADD COLUMN tracked_since TEXT;
        UPDATE whales SET tracked_since = added_at;
    """)


def _change_log(db: Database, old: str, new: str) -> None:
    """Rebuild the table of the log with `new` in place of `old`, and its indexes as they are."""
    statements = [
        row[0]
        for row in db.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'sync_logs' AND sql IS NOT NULL ORDER BY type = 'index'"
        )
    ]
    body = statements[0][statements[0].index("(") :].replace(old, new)
    db.executescript(f"CREATE TABLE new_sync_logs {body}")
    db.executescript("""
        INSERT INTO new_sync_logs SELECT * FROM sync_logs;
        DROP TABLE sync_logs;
        ALTER TABLE new_sync_logs RENAME TO sync_logs;
    """)
    db.executescript(";".join(statements[1:]))


@migrations()
def young_trades_to_look_at_again(db: Database) -> None:
    """From which second on a wallet's trades are so young that the exchange may still correct them."""
    db.executescript("""
        ALTER TABLE whales ADD COLUMN new_from INTEGER;
        ALTER TABLE whales ADD COLUMN recheck_from INTEGER;
        ALTER TABLE whales ADD COLUMN waiting_from INTEGER;
    """)


@migrations()
def rates_of_trading(db: Database) -> None:
    """Decayed counts of each wallet's trades, from which it follows how often to poll it.

    For a wallet that trades steadily, the long count is what it trades in a week.
    """
    db.executescript("""
        ALTER TABLE whales ADD COLUMN usual_trades REAL NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN daytime_trades REAL NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN recent_trades REAL NOT NULL DEFAULT 0;
        ALTER TABLE whales ADD COLUMN counted_from INTEGER;
        ALTER TABLE whales ADD COLUMN counted_until INTEGER;
        UPDATE whales SET counted_from = (SELECT CAST(strftime('%s', min(timestamp)) AS INTEGER) FROM whale_activity
                WHERE whale_address = address AND withdrawn_at IS NULL),
            counted_until = CAST(strftime('%s', newest_trade_at) AS INTEGER),
            usual_trades = (SELECT count(*) FROM whale_activity WHERE whale_address = address AND withdrawn_at IS NULL
                AND timestamp > strftime('%Y-%m-%dT%H:%M:%SZ', newest_trade_at, '-7 days'));
    """)
