"""Whose failure an exception is: that of the one wallet, page or item it came from, or everyone's."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opinionscope.errors import (
    AccessBlocked,
    ApiUnavailable,
    ConfigurationError,
    Interrupted,
    OpinionscopeError,
    Paused,
    StoreError,
)
from opinionscope.text import one_line

ENDS_THE_RUN = (ConfigurationError, StoreError, Interrupted)
"""What every other wallet and page would meet as well. Anything else is left with what it came from."""

BLOCKED_IN_A_ROW = 5
"""So many requests in a row that something in between refuses are no longer a matter of one wallet or page."""

FAILURES_IN_A_ROW = 20
"""So many failures in a row, and nothing else, are an outage."""
TOO_MANY_REQUESTS = "the exchange asks for fewer requests (429)"

_LONGEST = 1_000

logger = logging.getLogger(__name__)


class FailuresInARow:
    """The wallets in a row for which the exchange could not be reached. Not thread-safe."""

    def __init__(self) -> None:
        self._unreached = 0
        self._blocked = 0

    def end(self) -> None:
        """Another wallet has been served."""
        self._unreached = self._blocked = 0

    def make_it_hopeless(self, failure: Exception, *, nothing_done: bool) -> bool:
        """Count a wallet's failure; whether those that still wait would fail as well.

        Raises `failure` if something between this machine and the exchange refuses every request.
        """
        self._unreached += isinstance(failure, ApiUnavailable | AccessBlocked)
        self._blocked += isinstance(failure, AccessBlocked)
        if self._blocked >= BLOCKED_IN_A_ROW:
            raise failure
        return isinstance(failure, Paused) or (nothing_done and self._unreached >= FAILURES_IN_A_ROW)


@contextmanager
def contained(note: Callable[[str], None], subject: str) -> Iterator[None]:
    """A block whose failure is only noted, as that of `subject`, unless it is one that ends the run."""
    try:
        yield
    except ENDS_THE_RUN:
        raise
    except Exception as error:
        logger.debug("%s failed", subject, exc_info=True)
        note(f"{subject}: {describe(error)}")


def explain(error: BaseException) -> str:
    """What there is to say of a failure, on one line."""
    said = str(error) if isinstance(error, OpinionscopeError) else f"unexpected {type(error).__name__}: {error}"
    return one_line(said, len(said))


def describe(error: BaseException) -> str:
    """The same in bounded length, as the log and the tables say it."""
    return one_line(explain(error), _LONGEST)


def describe_all(problems: Iterable[str]) -> str | None:
    """What a row says of several problems, in the same form; None if there are none."""
    return one_line("; ".join(problems), _LONGEST) or None
