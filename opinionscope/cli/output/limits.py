"""What a limit leaves out of a table."""

from collections.abc import Callable

from opinionscope.cli.output.formats import counted
from opinionscope.cli.output.terminal import write


def print_how_many(shown: int, limit: int, count_all: Callable[[], int], noun: str) -> None:
    """Say how many rows there are, if the table shows only the first of them: `50 of 2,401 positions`."""
    if shown < limit:
        return
    total = count_all()
    if total > shown:
        write(f"{shown:,} of {counted(total, noun)}; --limit shows more.\n")
