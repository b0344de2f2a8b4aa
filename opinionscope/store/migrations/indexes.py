"""Which indexes there are, and what each of them earns.

Measured with a million trades of 1,000 wallets, 787,000 positions, 2,000 markets and 144,000 runs in the log: the bytes
that an index takes for each row of its table, and what takes how much longer without it.

| index                        | bytes | without it |
|------------------------------|------:|------------|
| whale_activity_identity      |    84 | a page's known trades 500 x, `activity --whale` 80 x; no trade is doubled |
| whale_activity_by_time       |    29 | `activity` 10,000 x, purging trades 350 x |
| whale_activity_by_market     |    36 | `activity --market` 150 x |
| whale_activity_missed        |     0 | from 0.01 to 1.4 ms for each page of a wallet that misses trades |
| positions_identity           |    84 | no position is doubled; the one to add a trade to is found |
| positions_by_market          |    17 | `positions --market` 270 x, signals and consensus 75 to 260 x |
| positions_by_question        |    59 | the figures of a question 16 x, more for wallets with more positions |
| positions_due                |  0-59 | `stats` scans all positions; it holds those that are due |
| positions_disagreeing        |     0 | `status` scans all positions |
| sync_logs_by_type            |    17 | the health of a job 1,800 x, `logs --job` 650 x |
| sync_logs_by_type_and_status |    29 | counting failed runs of a job 550 x; health when a job has failed for long |
| sync_logs_by_start           |    38 | runs by the hour 20 x, purging the log 7 x |
| markets_identity             |    35 | `markets` 250 x, `positions --whale` 65 x |
| markets_by_parent            |    14 | finding the markets of a topic is a scan |
| markets_by_status            |    21 | finding the resolved ones is a scan |
"""

from sqlite_utils import Database


def log_without_index_by_status(db: Database) -> None:
    """Drop an index of 49 bytes a run that earned too little.

    With it, SQLite sorted all failed runs on record to show the newest: `logs --failed` takes 0.3 ms instead of 4 ms
    without it. Only counting them takes longer, 10 ms instead of 0.1 ms.
    """
    db.executescript("DROP INDEX sync_logs_by_status")
