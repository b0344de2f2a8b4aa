"""What a start costs, on the wall, against imports that nobody can avoid."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from tests.benchmarks.harness import Comparison, alternate, opinionscope, run, scratch_folder

ROUNDS = 11
TYPER = "import typer"
PACKAGES = "import typer, requests, pydantic, sqlite_utils"
CASES = (
    ("opinionscope --version", ("--version",), TYPER, 1.3),
    ("sync whales with no wallets", ("sync", "whales"), PACKAGES, 1.2),
    ("sync whales that is skipped", ("sync", "whales"), PACKAGES, 0.7),
    ("cleanup --if-due that is not due", ("cleanup", "--if-due"), PACKAGES, 0.7),
)


def start_up() -> Iterator[Comparison]:
    """The commands that do nothing, and so are nothing but start-up."""
    with scratch_folder() as folder:
        settings = {"OPINIONSCOPE_DB": str(folder / "benchmark.db"), "OPINION_TRADE_API_KEY": "benchmark"}
        opinionscope("cleanup", settings=settings)
        for name, words, imports, goal in CASES:
            with _held_lock(folder / "benchmark.db.whales.lock") if "skipped" in name else nullcontext():
                ours, theirs = alternate(
                    lambda words=words: opinionscope(*words, settings=settings).wall,  # type: ignore[misc]
                    lambda imports=imports: run(sys.executable, "-c", imports).wall,  # type: ignore[misc]
                    ROUNDS,
                )
            yield Comparison(name, f'python -c "{imports}"', ours, theirs, goal)


def _held_lock(path: Path) -> IO[str]:
    lock = path.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
