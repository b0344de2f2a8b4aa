"""How much of a wallet's history is known: the exchange's own count of its trades against ours."""

from dataclasses import dataclass
from typing import Literal

CompletenessWord = Literal["complete", "catching up", "behind", "ahead"]


@dataclass(frozen=True)
class Completeness:
    """The state of a wallet's history. `difference` is the exchange's count of its trades minus the known ones."""

    word: CompletenessWord
    difference: int

    @property
    def missing(self) -> int:
        """How many trades the exchange counts beyond those that are known."""
        return max(0, self.difference)

    def __str__(self) -> str:
        return f"{self.word} by {abs(self.difference):,}" if self.word in ("behind", "ahead") else self.word


def judge_completeness(
    *, total: int | None, known: int, end_reached: bool, reading: bool, doubted: bool = False
) -> Completeness:
    """Judge a wallet's history. The one rule for what complete, catching up, behind and ahead mean.

    `total` is the exchange's count (None if it gave none, so that nothing can be missing), `known` the trades stored
    or counted, `end_reached` whether the list was ever read to its end, `reading` whether part of it is still to be
    read again, `doubted` whether an answer has contradicted what is known, so that numbers that agree prove nothing.
    """
    difference = 0 if total is None else total - known
    if not end_reached or reading or (doubted and difference == 0):
        return Completeness("catching up", difference)
    if difference:
        return Completeness("behind" if difference > 0 else "ahead", difference)
    return Completeness("complete", 0)
