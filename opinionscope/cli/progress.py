"""What a job shows on a terminal: a progress bar and one summary line. Elsewhere it shows nothing, or cron mails it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opinionscope.cli.tables import write

if TYPE_CHECKING:
    from opinionscope.jobs.result import JobResult


class Report:
    """Shows a job to whoever watches it."""

    def __init__(self) -> None:
        self._watched = sys.stdout.isatty()
        self._bar: Any = None
        self._task: Any = None

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Move the bar; a job calls this as it goes on."""
        if not self._watched:
            return
        if self._bar is None:
            self._open_bar(what)
        self._bar.update(self._task, completed=done, total=total)

    def show(self, result: "JobResult | None", summary: str) -> None:
        """Close the bar and say how it ended; `result` is None if the job is running already."""
        self.close()
        if not self._watched:
            return
        said = "Skipped: the same job is still running" if result is None else summary.format(**vars(result))
        write(f"{said}.\n")

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open_bar(self, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, transient=True)
        self._task = self._bar.add_task(what, total=None)
        self._bar.start()


@contextmanager
def watched() -> Iterator[Report]:
    """A report that leaves no bar behind, whatever happens."""
    report = Report()
    try:
        yield report
    finally:
        report.close()
