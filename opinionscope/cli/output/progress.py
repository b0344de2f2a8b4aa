"""A job on a terminal: a progress bar, then one summary line. Elsewhere nothing is printed, or cron would mail it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opinionscope.cli.output.terminal import write

if TYPE_CHECKING:
    from opinionscope.jobs.result import JobResult


class ProgressDisplay:
    """Shows the progress of a job on a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._bar: Any = None
        self._task: Any = None

    def update(self, what: str, done: int, total: int | None) -> None:
        """Move the bar. The job calls this as its work goes on."""
        if not self._is_terminal:
            return
        if self._bar is None:
            self._open_bar(what)
        self._bar.update(self._task, completed=done, total=total)

    def finish(self, result: "JobResult | None", summarize: "Callable[[JobResult], str]") -> None:
        """Close the bar and print how the run ended; `result` is None if the job was already running."""
        self.close()
        if not self._is_terminal:
            return
        text = "Skipped: another run of this job is in progress" if result is None else summarize(result)
        write(f"{text}.\n")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open_bar(self, what: str) -> None:
        # Only for a terminal: rich takes longer to load than a skipped run does.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, transient=True)
        self._task = self._bar.add_task(what, total=None)
        self._bar.start()


@contextmanager
def progress_display() -> Iterator[ProgressDisplay]:
    """A display that leaves no bar behind, whatever happens."""
    display = ProgressDisplay()
    try:
        yield display
    finally:
        display.close()
