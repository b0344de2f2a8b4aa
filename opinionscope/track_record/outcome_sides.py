"""Which outcome a trade belongs to: 1 is yes, 2 is no, 0 stands for trades that do not say which."""

YES, NO, UNKNOWN = 1, 2, 0
BOTH_OUTCOMES = ("SPLIT", "MERGE")
"""The actions that change what is held of both outcomes."""
_LABELS = {"yes": YES, "no": NO}


def sides_of(action: str, outcome_side: int | None, outcome: str | None) -> tuple[int, ...]:
    """The outcome sides that a trade belongs to: both for a split or merge, else the one it names.

    What it is added to must follow from the trade alone, because it is taken away from there again if the exchange
    withdraws it.
    """
    return (YES, NO) if action in BOTH_OUTCOMES else (named_side(outcome_side, outcome),)


def named_side(outcome_side: int | None, outcome: str | None) -> int:
    """The outcome side that a trade names; where it names none, that of its label, if that is yes or no."""
    if outcome_side in (YES, NO):
        return outcome_side
    return _LABELS.get((outcome or "").strip(" ").lower(), UNKNOWN)


def other_side(side: int) -> int:
    """The opposite outcome."""
    return {YES: NO, NO: YES}.get(side, UNKNOWN)
