"""Positions and track records."""

from sqlite_utils import Database

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
