"""How long the long tests take: `OPINIONSCOPE_TEST_ROUNDS=300 pytest …` runs all cases and that many random rounds."""

import os
from collections.abc import Collection, Sequence

from hypothesis import HealthCheck, settings

ROUNDS = int(os.environ.get("OPINIONSCOPE_TEST_ROUNDS", "0"))


def rounds(few: int) -> int:
    """How many random rounds to play: a few, unless more are asked for."""
    return ROUNDS or few


def examples(number: int) -> settings:
    """The same so many examples each time, or as many times that number as rounds are asked for, drawn anew.

    None of them fails for taking long: how long depends on what else the machine does.
    """
    return settings(
        deadline=None,
        max_examples=number * (ROUNDS or 1),
        derandomize=not ROUNDS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


settings.register_profile("here", examples(100))
settings.load_profile("here")  # for the tests that do not say how many


def some(cases: Collection[str], few: Sequence[str]) -> list[str]:
    """The cases that stand for all of them, or all if more rounds are asked for."""
    return list(cases) if ROUNDS else list(few)
