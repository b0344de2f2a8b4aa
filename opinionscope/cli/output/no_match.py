"""What is said in the place of a list that is empty."""

from collections.abc import Callable, Mapping
from typing import Any


def explain_nothing(noun: str, matches: Mapping[str, int], *, total: int, otherwise: str) -> str:
    """Which of the filters is to blame; `otherwise` if there are no entries at all, or no filters.

    `matches` says of each filter, as on the command line, how many entries it matches alone; `total` is without any.
    """
    if not matches or not total:
        return otherwise
    culprits = [option for option, number in matches.items() if not number]
    if culprits or len(matches) == 1:
        return f"No {noun} matches {' or '.join(culprits or matches)}."
    return f"No {noun} matches {' and '.join(matches)} together, though each alone matches some."


def explain_filters(
    noun: str, words: Mapping[str, str], filters: Mapping[str, Any], count: Callable[..., int], *, otherwise: str
) -> str:
    """The same for filters that are keywords of `count`: None if not given. `words` says how each was typed."""
    matches = {words[name]: count(**{name: value}) for name, value in filters.items() if value is not None}
    return explain_nothing(noun, matches, total=count(), otherwise=otherwise)
