"""Threads that never keep the process alive: one that still waits for an answer when the run ends is abandoned."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from opinionscope.errors import OutOfTime

ANSWERS_STILL_COMING = 6.0
"""Seconds after the deadline of a run in which requests that have begun may still be answered."""
# Seconds. A signal that arrives just before a wait begins is handled only after it, so the main thread never waits
# longer than this.
_SHORT_WAIT = 0.5

MOST_WORKERS = 64
"""More of them would wait for the processor rather than for the exchange."""

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def workers_for(keys: int, each: int) -> int:
    """How many workers keep that many keys busy while answers are on their way, if one key takes `each`."""
    return min(max(1, keys) * each, MOST_WORKERS)


def result_of(future: Future[_Result], end: float) -> _Result:
    """The future's result, awaited until `end` (monotonic seconds) in short waits. Raises OutOfTime after that.

    Nothing can end a thread that waits for a name server that does not answer, so the run leaves it behind.
    """
    while not future.done():
        left = end - time.monotonic()
        if left <= 0:
            raise OutOfTime("no answer came in the time of this run")
        wait([future], min(left, _SHORT_WAIT))
    return future.result()


def join(thread: threading.Thread, end: float) -> None:
    """Wait for the thread until `end` (monotonic seconds), in short waits."""
    while thread.is_alive() and (left := end - time.monotonic()) > 0:
        thread.join(min(left, _SHORT_WAIT))


class DaemonPool(Executor):
    """Like ThreadPoolExecutor, but an interrupted process does not wait for its threads' requests to end."""

    def __init__(self, workers: int, name: str) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._workers = workers
        for number in range(workers):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(
        self, fn: Callable[_Parameters, _Result], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> Future[_Result]:
        """Have a worker call `fn`."""
        future: Future[_Result] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - raised again when the result is read
                future.set_exception(error)

        self._tasks.put(task)
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Let the workers finish their current task and drop all others. Does not wait."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._workers):
            self._tasks.put(None)

    def __exit__(self, *exception: Any) -> None:
        self.shutdown()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
