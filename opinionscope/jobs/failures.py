"""Whose failure an exception is: that of the one wallet, page or item it came from, or everyone's."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opinionscope.errors import ConfigurationError, Interrupted, OpinionscopeError, StoreError
from opinionscope.text import one_line

ENDS_THE_RUN = (ConfigurationError, StoreError, Interrupted)
"""What every other wallet and page would meet as well. Anything else is left with what it came from."""

BLOCKED_IN_A_ROW = 5
"""So many requests in a row that something in between refuses are no longer a matter of one wallet or page."""

_LONGEST = 1_000

logger = logging.getLogger(__name__)


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
