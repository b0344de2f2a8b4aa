"""Consensus: who counts, who opposes, and when it is told again."""

from hypothesis import given
from hypothesis import strategies as st

from opinionscope.track_record.consensus import Consensus, Holding, Strength, find_consensus, is_news
from tests.rounds import examples


def holding(whale: str, side: int = 1, exposure: float = 1_000, market: str = "7", *, flagged: bool = False) -> Holding:
    return Holding(whale, market, side, exposure, is_flagged=flagged)


def agree(*holdings: Holding, whales: int = 2) -> list[tuple[int, list[str], list[str]]]:
    found = find_consensus(holdings, min_whales=whales, min_exposure=1_000)
    return [
        (each.outcome_side, [m.whale_address for m in each.members], [o.whale_address for o in each.opposition])
        for each in found
    ]


def test_those_who_hold_enough_of_one_outcome_agree_and_the_others_oppose() -> None:
    found = agree(holding("a"), holding("b", exposure=5_000), holding("c", 2), holding("d", exposure=999))
    assert found == [(1, ["b", "a"], ["c"])]


def test_a_whale_that_hedges_more_than_a_fifth_counts_for_neither_side() -> None:
    assert agree(holding("a"), holding("b"), holding("b", 2, 201)) == []
    assert agree(holding("a"), holding("b"), holding("b", 2, 200)) == [(1, ["a", "b"], [])]


def test_a_flagged_whale_counts_for_neither_side() -> None:
    assert agree(holding("a"), holding("b", flagged=True)) == []
    assert agree(holding("a"), holding("b"), holding("c", 2, flagged=True)) == [(1, ["a", "b"], [])]


def test_both_sides_can_have_their_consensus_and_markets_are_apart() -> None:
    found = agree(holding("a"), holding("b"), holding("c", 2), holding("d", 2), holding("a", market="8"))
    assert [side for side, _, _ in found] == [1, 2]


def consensus(whales: int, exposure: float) -> Consensus:
    return Consensus("7", 1, tuple(holding(f"{n}", exposure=exposure / whales) for n in range(whales)), ())


def test_it_is_told_when_it_forms_and_when_it_has_grown_by_half() -> None:
    assert is_news(consensus(3, 3_000), None)
    told = Strength(4, 8_000)
    assert not is_news(consensus(5, 11_999), told)
    assert is_news(consensus(6, 8_000), told)
    assert is_news(consensus(4, 12_000), told)
    assert not is_news(consensus(3, 3_000), told)


HOLDINGS = st.lists(
    st.builds(
        holding,
        whale=st.sampled_from("abcdef"),
        side=st.sampled_from([1, 2]),
        exposure=st.sampled_from([0, 150, 200, 999, 1_000, 4_000.5]),
        market=st.sampled_from(["7", "8"]),
        flagged=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda each: (each.whale_address, each.market_external_id, each.outcome_side),
)


@examples(200)
@given(holdings=HOLDINGS, whales=st.integers(1, 4))
def test_nobody_is_on_both_sides_and_nobody_counts_who_does_not_hold_enough(
    holdings: list[Holding], whales: int
) -> None:
    for found in find_consensus(holdings, min_whales=whales, min_exposure=1_000):
        members = {each.whale_address for each in found.members}
        assert len(members) == len(found.members) >= whales
        assert not members & {each.whale_address for each in found.opposition}
        assert all(each.exposure >= 1_000 and not each.is_flagged for each in (*found.members, *found.opposition))
