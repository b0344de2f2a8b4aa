"""When the exchange's shares speak against our sums, and what explains a difference."""

import pytest

from opinionscope.track_record.agreement import Agreement, Circumstances, Disagreement, Listing, judge
from opinionscope.track_record.positions import PositionSums, Result

BOUGHT = PositionSums(buy_shares=100, buy_amount=40)
SOLD_MORE = PositionSums(buy_shares=100, buy_amount=40, sell_shares=160, sell_amount=80)


def judged(
    sums: PositionSums,
    listing: Listing,
    result: Result = "undecided",
    *,
    known: bool = True,
    complete: bool = True,
    lately: bool = False,
) -> Agreement:
    return judge(sums, listing, Circumstances(result, known, complete, lately))


@pytest.mark.parametrize(
    ("shares", "frozen", "found"),
    [
        (100, 0, "agrees"),
        (100.02, 0, "agrees"),
        (100.03, 0, "disagrees"),
        (99.97, 0, "disagrees"),
        (0, 0, "disagrees"),
        (70, 30, "agrees"),
        (100, 30, "agrees"),
        (70, 20, "disagrees"),
    ],
)
def test_shares_agree_within_dust_with_those_in_open_orders_counted_either_way(
    shares: float, frozen: float, found: Agreement
) -> None:
    assert judged(BOUGHT, Listing(shares, frozen)) == found


def test_dust_is_a_matter_of_value_also_where_nothing_was_bought() -> None:
    assert judged(PositionSums(), Listing(1_000, value=0.009)) == "agrees"
    assert judged(PositionSums(), Listing(1_000, value=0.0)) == "agrees"
    assert judged(PositionSums(), Listing(1_000, value=9.0)) == "disagrees"
    assert judged(PositionSums(), Listing(1.0, value=None)) == "disagrees"


@pytest.mark.parametrize(
    ("result", "found"), [("undecided", "disagrees"), ("won", "claimed"), ("lost", "settled"), ("void", "settled")]
)
def test_what_was_decided_leaves_the_list_as_it_should(result: Result, found: Agreement) -> None:
    assert judged(BOUGHT, Listing(), result) == found
    assert judged(BOUGHT, Listing(60), result) == "disagrees"


def test_a_claim_under_way_explains_fewer_shares() -> None:
    assert judged(BOUGHT, Listing(60, claim_status="Claiming"), "won") == "claimed"
    assert judged(BOUGHT, Listing(60, claim_status="WaitClaim"), "won") == "disagrees"


def test_shares_from_elsewhere_explain_any_number() -> None:
    assert judged(SOLD_MORE, Listing(0)) == "agrees"
    assert judged(SOLD_MORE, Listing(25)) == "transferred"


def test_nothing_is_judged_that_is_not_known_well_enough() -> None:
    assert judged(BOUGHT, Listing(60), complete=False) == "catching up"
    assert judged(BOUGHT, Listing(60), lately=True) == "not judged"
    assert judged(BOUGHT, Listing(), known=False) == "not judged"


def test_a_difference_counts_once_the_next_check_shows_it_too() -> None:
    first = Disagreement().after("disagrees", "one")
    assert first == Disagreement("one", None)
    unjudged = first.after("not judged", "two")
    second = unjudged.after("disagrees", "three")
    assert second == second.after("disagrees", "four") == Disagreement("one", "one")
    explained: tuple[Agreement, ...] = ("agrees", "claimed", "settled", "transferred", "catching up")
    for agreement in explained:
        assert second.after(agreement, "five") == first.after(agreement, "five") == Disagreement()
