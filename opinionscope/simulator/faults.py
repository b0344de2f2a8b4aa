"""Faults: what can go wrong on demand, where, and how often."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from threading import Lock

from opinionscope.simulator.spoil import SpoilFunction
from opinionscope.simulator.spoiled_access import ACCESS_FAULTS
from opinionscope.simulator.spoiled_answers import ANSWER_FAULTS
from opinionscope.simulator.spoiled_content import CONTENT_FAULTS

FAULTS: dict[str, SpoilFunction] = ACCESS_FAULTS | ANSWER_FAULTS | CONTENT_FAULTS


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name, for requests whose path and query contain `path_contains`.

    It leaves the first `skip` of them alone, then strikes each with `probability`, at most `times` times
    (None: without end). Raises ValueError for an unknown name.
    """

    name: str
    path_contains: str = ""
    probability: float = 1.0
    times: int | None = None
    skip: int = 0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"unknown fault {self.name!r}; known are: {', '.join(FAULTS)}")


@dataclass(slots=True)
class _Armed:
    """A fault and its history. Its random source depends on the fault alone: every run draws the same."""

    fault: Fault
    random: Random = field(init=False)
    met: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"{self.fault.name}:{self.fault.path_contains}")

    def strikes(self, target: str) -> bool:
        fault = self.fault
        if fault.path_contains not in target or self.struck == fault.times:
            return False
        self.met += 1
        if self.met <= fault.skip or self.random.random() >= fault.probability:
            return False
        self.struck += 1
        return True


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that strikes now, for the `nth` time, counted from 0."""

    spoil: SpoilFunction
    nth: int
    random: Random


class FaultBox:
    """The faults of one server, thread-safe; the first that strikes a request is the only one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([armed.fault for armed in self._armed])

    def __len__(self) -> int:
        return len(self._armed)

    def strike(self, target: str) -> Strike | None:
        """The fault that this request meets, if any; counts it as struck."""
        with self._lock:
            for armed in self._armed:
                if armed.strikes(target):
                    return Strike(FAULTS[armed.fault.name], armed.struck - 1, armed.random)
        return None
