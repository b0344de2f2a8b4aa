"""Shards: installations that share the wallets of one list among them, each polling its part."""

import re
from dataclasses import dataclass
from typing import Self

from opinionscope.locations import read_environment, refused_setting

SHARD_VARIABLE = "OPINIONSCOPE_SHARD"
_KEY_BITS = 64


@dataclass(frozen=True)
class Shard:
    """One of `parts` equal parts of the wallets, counted from 1."""

    part: int
    parts: int

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that a text such as `2/8` means. Raises ValueError for anything else."""
        match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text.strip(), re.ASCII)
        shard = cls(int(match[1]), int(match[2])) if match else None
        if shard is None or not 1 <= shard.part <= shard.parts:
            raise ValueError("must be PART/PARTS such as 2/8")
        return shard

    def polls(self, address: str) -> bool:
        """Whether the wallet belongs to this part."""
        return self.part_of(address) == self.part

    def owner_of(self, address: str) -> "Shard":
        """The shard, of as many, that the wallet belongs to."""
        return Shard(self.part_of(address), self.parts)

    def part_of(self, address: str) -> int:
        """The part that the wallet belongs to, from 1. It must never change: a new shard reads the history again.

        A jump consistent hash (https://arxiv.org/abs/1406.2294): with more parts, a wallet either stays where it is or
        moves to one of the new parts. It is one of a digest, because addresses may be chosen by their digits.
        """
        from hashlib import sha256

        key = int.from_bytes(sha256(address.lower().encode()).digest()[: _KEY_BITS // 8], "big")
        bucket, following = 0, 0
        while following < self.parts:
            bucket = following
            key = (key * 2862933555777941757 + 1) % (1 << _KEY_BITS)
            following = int((bucket + 1) * ((1 << 31) / ((key >> 33) + 1)))
        return bucket + 1


def shard_of_this_installation() -> Shard | None:
    """The shard of the setting; None if this installation polls all wallets. Raises ConfigurationError.

    Apart from the other settings, which take longer to load.
    """
    text = read_environment().get(SHARD_VARIABLE, "").strip()
    try:
        return Shard.parse(text) if text else None
    except ValueError as error:
        raise refused_setting(f"{SHARD_VARIABLE}: {error}") from None
