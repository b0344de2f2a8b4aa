"""The small file beside the database in which all processes that use it keep the pace of each key.

A line of fixed length holds one key: a header, and the moments of its last requests. The key itself is not in it, only
its digest.
"""

import fcntl
import json
import os
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from opinionscope.api.pace import LONGEST_BLOCK, Pace
from opinionscope.locks import boot_id, lock, open_companion

_HEADER_SIZE = 4096
_LINE_SIZE = 3 * 4096
"""Room for the header and for the moments of a second at the highest limit there may be."""


class PaceFile:
    """The paces of `keys`, which are digests. Safe between threads and between processes."""

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self._path = path
        self._descriptor = open_companion(path)
        self._state = threading.Lock()
        self._lines: list[tuple[bytes, Pace]] = []
        self._line_of: list[int] = []

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    @contextmanager
    def paces(self) -> Iterator[list[Pace]]:
        """The paces of the keys, in their order, with nobody else reading or writing them."""
        with self._exclusive():
            if self._read() or not self._line_of:
                self._find_lines()
            yield [self._lines[number][1] for number in self._line_of]

    @contextmanager
    def all_paces(self) -> Iterator[list[Pace]]:
        """The paces of all keys that the file knows, those of other settings included."""
        with self._exclusive():
            self._read()
            yield [pace for _, pace in self._lines]

    def write(self, key: int) -> None:
        """Keep what has changed in the pace of a key, by its position; within the block of `paces`."""
        number = self._line_of[key]
        pace = self._lines[number][1]
        # One write, whose first part is padded, so that nothing of the last one is left where this one is shorter.
        header = json.dumps(vars(pace) | {"sent": len(pace.sent)}).encode().ljust(_HEADER_SIZE)
        line = header + pace.sent.tobytes()
        os.pwrite(self._descriptor, line, number * _LINE_SIZE)
        self._lines[number] = (line, pace)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._state:
            lock(self._descriptor, self._path)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _read(self) -> bool:
        """Take in the lines that others have written since the last time; whether there are any."""
        content = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        starts = range(0, len(content), _LINE_SIZE)
        if len(starts) == len(self._lines) and all(
            content.startswith(known, start) for start, (known, _) in zip(starts, self._lines, strict=True)
        ):
            return False
        lines = [content[start : start + _LINE_SIZE] for start in starts]
        self._lines = [(line, _parse(line)) for line in lines]
        return True

    def _find_lines(self) -> None:
        """Find the line of each key, and give one to each that is new."""
        places = {pace.key: number for number, (_, pace) in reversed(list(enumerate(self._lines)))}
        if self.keys[0] not in places and "" in places:
            # From an earlier release, or torn: it says what the exchange allowed to the one key there was.
            places[self.keys[0]] = places[""]
        for key in self.keys:
            if key not in places:
                places[key] = self._vacant({places[known] for known in self.keys if known in places})
        self._line_of = [places[key] for key in self.keys]
        for key, number in zip(self.keys, self._line_of, strict=True):
            self._lines[number][1].key = key

    def _vacant(self, taken: set[int]) -> int:
        """A line that nobody has used for long, or a new one."""
        long_ago = time.monotonic() - LONGEST_BLOCK
        for number, (_, pace) in enumerate(self._lines):
            if number not in taken and max([*pace.sent[-1:], pace.slowed_at]) < long_ago:
                break
        else:
            number = len(self._lines)
            self._lines.append((b"", Pace()))
        self._lines[number] = (self._lines[number][0], Pace(boot=boot_id()))
        return number


def _parse(line: bytes) -> Pace:
    """What a line says: a fresh pace where it is empty or torn by a crash.

    Of the time before the last boot only what was learnt and counted stays.
    """
    try:
        state = json.loads(line[:_HEADER_SIZE])
        moments = line[_HEADER_SIZE:][: state["sent"] * array("d").itemsize]
        pace = Pace(**state | {"sent": array("d", moments)})
        # One that is later than now was counted while the clock was ahead.
        this_minute = int(time.time() // 60)
        pace.minutes = {minute: counts for minute, counts in pace.minutes.items() if int(minute) <= this_minute}
        if pace.boot == boot_id() and max([*pace.sent[-1:], pace.slowed_at, pace.climbed_at]) <= time.monotonic():
            return pace
        return Pace(key=pace.key, learnt=pace.learnt, held=pace.held, minutes=pace.minutes, boot=boot_id())
    except (ValueError, TypeError, KeyError, AttributeError):
        return Pace(boot=boot_id())
