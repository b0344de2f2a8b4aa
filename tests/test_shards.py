"""Which shard polls a wallet: exactly one, always the same, and few move when there are more."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.shards import Shard

ADDRESSES = st.integers(0, 16**40 - 1).map(lambda number: f"0x{number:040x}")
PARTS = st.integers(1, 60)
# Addresses alike at one end, as somebody may have chosen them.
VANITY = [f"0xdead{n:036x}" for n in range(4_000)] + [f"0x{n:032x}c0ffee00" for n in range(4_000)]


def test_a_wallet_never_changes_its_shard() -> None:
    """Another rule would have every installation read the histories of other wallets from their beginnings."""
    known = {
        "0x0000000000000000000000000000000000000000": (3, 8, 85),
        "0xffffffffffffffffffffffffffffffffffffffff": (1, 1, 75),
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": (1, 1, 17),
        "0xdbf03b407c01e7cd3cbea99509d93f8dddc8c6fb": (3, 3, 3),
        "0x00000000219ab540356cbb839cbe05303d7705fa": (2, 2, 34),
    }
    for address, parts in known.items():
        assert tuple(Shard(1, of).part_of(address) for of in (3, 8, 100)) == parts, address
        assert Shard(1, 8).part_of(address.upper().replace("X", "x")) == parts[1]


@given(ADDRESSES, PARTS)
def test_every_wallet_is_polled_by_exactly_one_shard(address: str, parts: int) -> None:
    owners = [part for part in range(1, parts + 1) if Shard(part, parts).polls(address)]
    assert owners == [Shard(1, parts).owner_of(address).part]


@given(ADDRESSES, PARTS, st.integers(1, 9))
def test_with_more_shards_a_wallet_stays_or_moves_to_a_new_one(address: str, parts: int, more: int) -> None:
    before, after = Shard(1, parts).part_of(address), Shard(1, parts + more).part_of(address)
    assert after == before or after > parts


@pytest.mark.parametrize("parts", [2, 8, 50])
def test_wallets_are_spread_evenly_even_if_their_addresses_are_alike(parts: int) -> None:
    sizes = Counter(map(Shard(1, parts).part_of, VANITY))
    fair = len(VANITY) / parts
    assert len(sizes) == parts
    # Four standard deviations of a binomial distribution.
    assert all(abs(size - fair) < 4 * fair**0.5 for size in sizes.values())


@pytest.mark.parametrize("text", ["2/8", " 2/8 ", "1/1", "9999/9999"])
def test_a_shard_is_written_as_its_part_and_their_number(text: str) -> None:
    assert str(Shard.parse(text)) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "2", "0/8", "9/8", "0/0", "-1/8", "2/8/9", "2:8", "a/b", "1/99999", "٢/٨", "1 / 2"]
)
def test_anything_else_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="must be PART/PARTS such as 2/8"):
        Shard.parse(text)
