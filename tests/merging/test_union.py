"""A merged database is the union of its sources, and equal to one that polls all wallets itself."""

from tests.merging.conftest import Shards
from tests.merging.union import assert_union, in_order, rows_of

WITHOUT_TIMES = {
    "whale_activity": "SELECT whale_address, market_external_id, tx_hash, action, price, shares, amount, fee, profit, "
    "timestamp, fingerprint, copy, withdrawn_at IS NULL FROM whale_activity",
    "positions": "SELECT * FROM position_figures",
    "markets": "SELECT external_id, market_type, title, status, result_token_id FROM markets",
    "questions": "SELECT whale_address, question, state, realized, settled, cost FROM whale_questions",
    "whales": "SELECT address, known_trades, api_total, trade_count, total_volume, net_profit, won_questions, roi, "
    "luck, farming_share, flagged FROM whales",
}


def assert_equal_to_one(shards: Shards) -> None:
    for name, sql in WITHOUT_TIMES.items():
        merged, whole = (rows_of(each.database, sql) for each in (shards.merged, shards.whole))
        if name == "positions":
            merged, whole = ([row[1:] for row in rows] for rows in (merged, whole))
        assert in_order(merged) == in_order(whole), name


def test_whatever_the_jobs_do_the_merge_of_the_shards_is_what_one_database_would_be(shards: Shards) -> None:
    def merge_and_compare() -> None:
        shards.merge()
        assert_union(shards.merged.database, shards.sources)
        assert_equal_to_one(shards)

    merge_and_compare()
    shards.job("sync", "markets")
    shards.job("stats")
    shards.job("sync", "positions")
    merge_and_compare()
    for wallet in shards.exchange.wallets:
        shards.exchange.add_trades(wallet, [shards.exchange.make_trade(wallet) for _ in range(3)])
    shards.job("sync", "whales")
    shards.exchange.close_market(
        int(rows_of(shards.whole.database, "SELECT max(market_external_id) FROM positions")[0][0])
    )
    shards.job("sync", "markets")
    merge_and_compare()
    shards.job("cleanup", "--retention-days", "20")
    shards.parts[0]("whales", "tag", shards.exchange.wallets[0], "vip")
    shards.parts[1]("whales", "remove", shards.exchange.wallets[1])
    shards.whole("whales", "remove", shards.exchange.wallets[1])
    shards.job("stats")
    merge_and_compare()
