"""Positions by the real command: whatever is purged, counted or brought over from an earlier release, sums are true."""

from opinionscope.simulator import Exchange, Fault
from tests.conftest import CommandLine, Trading
from tests.end_to_end.truth import assert_positions_are_exact, assert_shares_are_held
from tests.old_release import downgrade

FIRST_WITH_POSITIONS = 9


def still_exchange(wallets: int) -> Exchange:
    return Exchange(
        seed=29,
        markets=40,
        wallets=wallets,
        history=500,
        trades_per_minute=0,
        market_churn_per_minute=0,
        unfilled_share=0.1,
    )


def unsummed(command: CommandLine) -> int:
    ((trades, noted),) = command.query(
        "SELECT (SELECT sum(unsummed) FROM whales), (SELECT ifnull(sum(copies), 0) FROM unsummed_trades)"
    )
    assert trades == noted
    return int(trades)


def test_the_positions_of_all_trades_stay_when_most_of_those_are_purged_or_never_stored(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(wallets=2)
    trading(exchange)
    early, late = exchange.wallets
    command("whales", "add", early)
    command("sync", "whales", OPINIONSCOPE_RETENTION_DAYS="200")
    assert command("cleanup", "--retention-days", "20").returncode == 0
    command("whales", "add", late)
    assert command("sync", "whales", OPINIONSCOPE_RETENTION_DAYS="20").returncode == 0
    for wallet in (early, late):
        assert command.query("SELECT count(*) FROM whale_activity WHERE whale_address = ?", (wallet,)) < [(450,)]
        assert_positions_are_exact(command, exchange, wallet)
        assert_shares_are_held(command, exchange, wallet)


def test_after_an_upgrade_counted_trades_join_their_positions_as_their_lists_are_read_again(
    command: CommandLine, trading: Trading
) -> None:
    exchange = still_exchange(wallets=2)
    server = trading(exchange)
    command.settings |= {"OPINIONSCOPE_RETENTION_DAYS": "20", "OPINIONSCOPE_MAX_ATTEMPTS": "1"}
    command("whales", "add", *exchange.wallets)
    command("sync", "whales")
    downgrade(command.database, FIRST_WITH_POSITIONS - 1)
    for wallet in exchange.wallets:
        exchange.add_trades(wallet, [exchange.make_trade(wallet) for _ in range(3)])

    left = list[int]()
    for _ in range(2):
        server.faults.add(Fault("503", skip=14))
        assert command("sync", "whales").returncode == 1, "the run breaks off in the middle of the lists"
        server.faults.clear()
        left.append(unsummed(command))
    assert 0 < left[1] < left[0]
    for _ in range(2):
        assert command("sync", "whales").returncode == 0
    assert unsummed(command) == 0
    for wallet in exchange.wallets:
        assert_positions_are_exact(command, exchange, wallet)
        assert_shares_are_held(command, exchange, wallet)
    assert command.query("SELECT DISTINCT known_trades - api_total FROM whales") == [(0,)]
