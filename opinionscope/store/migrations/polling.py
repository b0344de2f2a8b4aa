"""How often to poll each wallet."""

from sqlite_utils import Database


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
