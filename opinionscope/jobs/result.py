"""What a job reports about a run, while it goes on and at its end."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from opinionscope.jobs.causes import by_cause
from opinionscope.store.sync_logs import RunStatus
from opinionscope.text import one_line

ReportProgress = Callable[[str, int, int | None], None]
"""Called as the work goes on: what is counted, how many are done, and out of how many (None if unknown)."""

_DESCRIBED_ERRORS = 5
_LONGEST_ERROR = 500


def no_progress(what: str, done: int, total: int | None) -> None:
    """For runs that nobody watches."""


@dataclass
class JobResult:
    """Counted results of a run. `errors` says what failed, one line of bounded length each."""

    item_count: int = 0
    failed_count: int = 0
    done_count: int = 0
    errors: list[str] = field(default_factory=list)

    def fail(self, error: str, count: int = 1) -> None:
        """Count something that failed."""
        self.failed_count += count
        self.errors.append(one_line(error, _LONGEST_ERROR))

    def warn(self, problems: Iterable[str]) -> None:
        """Note, before all that failed, what is wrong although nothing failed because of it."""
        self.errors[:0] = [one_line(problem, _LONGEST_ERROR) for problem in problems]

    @property
    def status(self) -> RunStatus:
        """`completed`; `partial` if something failed or is wrong; `failed` if nothing else was done."""
        if not self.failed_count and not self.errors:
            return "completed"
        return "partial" if self.done_count or self.item_count else "failed"

    @property
    def error(self) -> str | None:
        """The first causes on one line, and how many more there are; None if there are none."""
        if not self.errors:
            return None
        causes = by_cause(self.errors)
        more = len(causes) - _DESCRIBED_ERRORS
        return "; ".join(causes[:_DESCRIBED_ERRORS]) + (f"; and {more} more" if more > 0 else "")
