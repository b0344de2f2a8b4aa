"""How things are measured: in rounds that alternate with their yardstick, as medians, each with its spread."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

ROUNDS = 5

# A child's peak memory starts at that of the process it was forked from, so it is started by a small one.
_LAUNCHER = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
wall = time.perf_counter() - begin
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Cost:
    """What a process cost: seconds on the wall, seconds of CPU, peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Comparison:
    """A line of the table: what was measured, against what, and the ratio that was aimed at."""

    name: str
    yardstick: str
    ours: Sequence[float]
    theirs: Sequence[float]
    goal: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"goal <= {self.goal:g} x: {'met' if self.ratio <= self.goal else 'MISSED'}"
        return (
            f"{self.name:<48} {_spread(self.ours, self.unit):>30}   {self.yardstick:<42} "
            f"{_spread(self.theirs, self.unit):>30}   {self.ratio:5.2f} x   {goal}"
        )


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g})"


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Measure both in turns, so that a noisy minute hits both."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def run(*words: str, settings: Mapping[str, str] = MappingProxyType({}), expected: Sequence[int] = (0,)) -> Cost:
    """Run a process to its end and say what it cost. Raises if it ends with a status that is not expected."""
    answer = subprocess.run(
        [sys.executable, "-c", _LAUNCHER, *words],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    status, wall, cpu, memory = json.loads(answer.stdout)
    if status not in expected:
        raise RuntimeError(f"{' '.join(words)[:200]} ended with {status}: {answer.stderr[-2000:]}")
    return Cost(wall, cpu, memory)


def opinionscope(
    *words: str, settings: Mapping[str, str] = MappingProxyType({}), expected: Sequence[int] = (0,)
) -> Cost:
    """Run an opinionscope command."""
    return run(sys.executable, "-m", "opinionscope", *words, settings=settings, expected=expected)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with TemporaryDirectory(prefix="opinionscope-benchmark-") as folder:
        yield Path(folder)
