"""Which source a wallet is taken from."""

from datetime import UTC, datetime, timedelta

from opinionscope.merging.owners import HANDOVER, Claims, choose_owners
from opinionscope.store.merged_wallets import ListedWallet
from opinionscope.times import to_millis_text

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def polled(address: str, ago: timedelta | None = timedelta(0), *, enabled: bool = True) -> ListedWallet:
    return ListedWallet(address, enabled, None if ago is None else to_millis_text(NOW - ago), 0)


def chosen(claims: list[Claims], before: dict[str, int] | None = None) -> dict[str, int]:
    owners = choose_owners(claims, before or {}, NOW)
    return {address: source for address, (source, _) in owners.chosen.items()}


def test_a_wallet_comes_from_the_source_that_polls_it_and_one_that_none_polls_from_nowhere() -> None:
    claims = [Claims(1, [polled("a")], {"b", "c"}), Claims(2, [polled("b")], {"a", "c"})]
    owners = choose_owners(claims, {}, NOW)
    assert chosen(claims) == {"a": 1, "b": 2}
    assert (owners.unpolled, owners.contested) == ({"c"}, set())


def test_of_several_sources_that_poll_a_wallet_it_comes_from_the_one_that_did_so_last() -> None:
    claims = [Claims(1, [polled("a", HANDOVER * 2)], set()), Claims(2, [polled("a")], set())]
    assert chosen(claims) == chosen(claims[::-1]) == chosen(claims, {"a": 1}) == {"a": 2}
    assert choose_owners(claims, {}, NOW).contested == {"a"}


def test_a_wallet_that_two_sources_poll_in_turns_stays_where_it_is() -> None:
    claims = [Claims(1, [polled("a", HANDOVER / 2)], set()), Claims(2, [polled("a")], set())]
    assert chosen(claims, {"a": 1}) == {"a": 1}


def test_a_source_from_which_the_wallet_was_removed_or_that_never_polled_it_stands_back() -> None:
    removed = [Claims(1, [polled("a", enabled=False)], set()), Claims(2, [polled("a", HANDOVER)], set())]
    never = [Claims(1, [polled("a", None)], set()), Claims(2, [polled("a", timedelta(days=9))], set())]
    assert chosen(removed) == chosen(never) == {"a": 2}
    assert choose_owners(removed, {}, NOW).contested == set()


def test_a_source_whose_clock_was_ahead_does_not_keep_a_wallet_that_another_one_polls() -> None:
    ahead = polled("a", -timedelta(days=30))
    claims = [Claims(1, [ahead], set()), Claims(2, [polled("a")], set())]
    assert chosen(claims, {"a": 1}) == {"a": 2}
    assert chosen([Claims(1, [ahead], set())]) == {"a": 1}
