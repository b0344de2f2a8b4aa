"""Options that several commands share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.errors import UsageError

Database = Annotated[
    Path | None,
    # A file that cannot be read is for the command to report: a job tells of it by its alert and its ping.
    typer.Option("--db", metavar="PATH", help="SQLite database file.", show_default="OPINIONSCOPE_DB", readable=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per line.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV with a header, plain numbers and full values.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only entries since TIME: 90s, 15m, 24h, 7d, or an ISO time (UTC)."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Maximum number of rows.")]


def absolute_path(file: Path) -> Path:
    """The file that an argument names, with `~` expanded. Raises UsageError if it is not a valid path."""
    try:
        return file.expanduser().absolute()
    except (RuntimeError, OSError):
        raise UsageError(f"{file} is not a valid path; write it in full.") from None


def one_of(words: Sequence[str], text: str, noun: str) -> str:
    """The word that `text` is, in whatever letter case it was typed. Raises UsageError if it is none of them."""
    word = text.strip().lower()
    if word not in words:
        raise UsageError(f"{text[:80]!r} is not a valid {noun}; expected one of {', '.join(words)}.")
    return word


def examples(*commands: str) -> str:
    """The end of a command's help: one example a line."""
    return "\n\n".join(["Examples:", *(f"  opinionscope {command}" for command in commands)])
