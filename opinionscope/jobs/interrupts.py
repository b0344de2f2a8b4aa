"""SIGTERM, SIGHUP and Ctrl-C: they end a run, but never while its row in the log is being written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from opinionscope.errors import Interrupted, StoppedByHand


class Interrupts:
    """A context in which the signals are noted; inside `raised()` they raise Interrupted, Ctrl-C StoppedByHand."""

    _NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._raise_at_once = False
        self._came: int | None = None

    def __enter__(self) -> Self:
        # One that is ignored, as SIGHUP is under nohup, stays ignored.
        numbers = [number for number in self._NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """In this block the first signal raises at once; one that came before raises now."""
        self._raise_at_once = True
        try:
            if self._came:
                raise _interruption(self._came)
            yield
        except Exception:
            if self._came:
                # Whatever the interrupted code has turned the exception into.
                raise _interruption(self._came) from None
            raise
        finally:
            self._raise_at_once, self._came = False, None

    def _note(self, number: int, *_: Any) -> None:
        first, self._came = self._came is None, self._came or number
        if first and self._raise_at_once:
            raise _interruption(number)


def _interruption(number: int) -> Interrupted:
    return StoppedByHand("interrupted") if number == signal.SIGINT else Interrupted("interrupted")
