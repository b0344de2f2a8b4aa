"""Exports read back by pandas and DuckDB, and compared with the tables value by value.

In an environment of its own: `python3 -m venv /tmp/exports && /tmp/exports/bin/pip install pandas duckdb`, then
`/tmp/exports/bin/python tests/benchmarks/exports.py .venv/bin/opinionscope DATABASE`.
"""

import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb  # type: ignore[import-not-found,unused-ignore]
import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]

_POSITIONS = """
    SELECT figures.*, question, root_market_external_id, buy_shares, buy_amount, sell_shares, sell_amount, split_shares,
        merge_shares, fees, trade_count, first_traded_at, last_traded_at, api_shares, api_value, api_unrealized,
        claim_status, checked_at, differs_since, disagrees_since,
        ifnull((SELECT title FROM markets WHERE external_id = figures.market_external_id
            AND market_type <> 'categorical'), market_title) AS market_title
    FROM position_figures AS figures JOIN positions USING (id)
"""
# The rules of a consensus once more, in SQL: of wallets that are not flagged, with at most a fifth on the other side.
_CONSENSUS = """
    WITH held AS (
        SELECT market_external_id AS market, outcome_side AS side, address, figures.exposure, flagged
        FROM position_figures AS figures JOIN whales ON address = whale_address WHERE enabled AND state = 'open'),
    convinced AS (
        SELECT * FROM held WHERE NOT flagged AND exposure >= 50 AND ifnull((
            SELECT exposure FROM held AS other WHERE other.market = held.market AND other.address = held.address
                AND other.side = 3 - held.side), 0) <= 0.2 * exposure)
    SELECT market, side AS outcome_side, count(*) AS whales, round(sum(exposure), 6) AS exposure,
        (SELECT count(*) FROM convinced AS other WHERE other.market = convinced.market
            AND other.side = 3 - convinced.side) AS opposing_whales,
        (SELECT round(total(exposure), 6) FROM convinced AS other WHERE other.market = convinced.market
            AND other.side = 3 - convinced.side) AS opposing_exposure,
        (SELECT title FROM markets WHERE external_id = market AND market_type <> 'categorical') AS title,
        (SELECT url FROM markets WHERE external_id = market AND market_type <> 'categorical') AS url
    FROM convinced GROUP BY market, side HAVING count(*) >= 2
"""
LISTINGS = {
    "activity": ("SELECT * FROM whale_activity WHERE withdrawn_at IS NULL", ("id",)),
    "markets": ("SELECT * FROM markets", ("external_id", "market_type")),
    "whales list": ("SELECT * FROM whales WHERE enabled = 1", ("address",)),
    "positions --state all": (_POSITIONS, ("id",)),
    "consensus --min-whales 2 --min-exposure 50": (_CONSENSUS, ("market", "outcome_side")),
    "logs": ("SELECT * FROM sync_logs", ("id",)),
    "signals": ("SELECT * FROM signals", ("id",)),
}
"""By command: the rows that it lists, and what identifies a row."""

READERS = {
    "--csv": "read_csv(?, header=true, all_varchar=true)",
    "--jsonl": "read_json(?, format='newline_delimited', sample_size=-1)",
}
Row = dict[str, Any]


def exported(program: str, database: str, words: str, form: str) -> str:
    """What the command prints."""
    command = [program, *words.split(), "--limit", "1000000", form, "--db", database]
    return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout


def by_pandas(text: str, form: str) -> list[Row]:
    """The rows as pandas reads them; numbers become what pandas takes them for."""
    if form == "--csv":
        frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""], dtype=TEXTS)
    else:
        frame = pd.read_json(io.StringIO(text), lines=True, dtype=False, precise_float=True)
    found: list[Row] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return found


def by_duckdb(text: str, form: str) -> list[Row]:
    """The rows as DuckDB reads them, all of them looked at before the types are chosen."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export"
        path.write_text(text, encoding="utf-8", newline="")
        frame = duckdb.execute(f"SELECT * FROM {READERS[form]}", [str(path)])
        names = [column[0] for column in frame.description]
        return [dict(zip(names, row, strict=True)) for row in frame.fetchall()]


TEXTS = dict.fromkeys(
    ("market", "question", "market_external_id", "root_market_external_id", "external_id", "parent_external_id",
     "chain_id", "tx_hash", "yes_token_id", "no_token_id", "result_token_id", "title",
     "market_title", "outcome", "name"), str
)  # fmt: skip
"""Columns of text that look like numbers: ids of 78 digits, and outcomes such as 1,098."""


def same(stored: Any, read: Any) -> bool:
    """Whether a value that was read back is the stored one, whatever type it was read as."""
    if stored is None or stored == "":
        return read is None or read == ""
    if isinstance(read, dict | list):
        return _same_parts(json.loads(stored) if isinstance(stored, str) else stored, read)
    if isinstance(stored, str):
        return str(read) == stored or bool(_moment(read) == _moment(stored)) or _parsed(read) == _parsed(stored)
    if isinstance(stored, float):
        return float(read) == stored
    return bool(float({"true": 1, "false": 0}.get(str(read).lower(), read)) == stored)


def _same_parts(stored: Any, read: Any) -> bool:
    """The same for JSON, whose times DuckDB recognizes at any depth."""
    if isinstance(read, dict):
        return set(stored) <= set(read) and all(same(value, read[name]) for name, value in stored.items())
    return len(stored) == len(read) and all(map(same, stored, read))


def _harmless(value: Any) -> Any:
    """A text as CSV has it: with a � for each control character, which a terminal would obey."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f]", "�", value) if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError):
        return value
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def compare(program: str, database: str, words: str) -> str:
    """A line about a listing. Raises AssertionError at the first value that differs."""
    select, key = LISTINGS[words]
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        stored = {tuple(str(row[each]) for each in key): row for row in connection.execute(select)}
    values = 0
    for form in ("--csv", "--jsonl"):
        text = exported(program, database, words, form)
        for read in (by_pandas, by_duckdb) if stored else ():
            rows = read(text, form)
            assert len(rows) == len(stored), (words, form, read.__name__, len(rows), len(stored))
            for row in rows:
                expected = stored[tuple(str(row[each]) for each in key)]
                for name in set(row) & set(expected.keys()):
                    where = (words, form, read.__name__, name)
                    value = _harmless(expected[name]) if form == "--csv" else expected[name]
                    assert same(value, row[name]), (*where, value, row[name])
                    values += 1
    return f"{words}: {len(stored):,} rows, {values:,} values compared, all equal"


if __name__ == "__main__":
    for each_listing in LISTINGS:
        print(compare(sys.argv[1], sys.argv[2], each_listing), flush=True)
