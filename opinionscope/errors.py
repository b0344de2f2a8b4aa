"""The exceptions of opinionscope, each with the status that the command line exits with."""

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What a command tells the shell, cron and monitors. 78 is EX_CONFIG in sysexits.h."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 78


class OpinionscopeError(Exception):
    """A failure, explained in one line that says what to do about it."""

    exit_status = ExitStatus.FAILED


class UsageError(OpinionscopeError):
    """The command line is wrong: an invalid address, an invalid time, an unknown file."""

    exit_status = ExitStatus.USAGE


class ConfigurationError(OpinionscopeError):
    """A setting is missing or wrong. Nothing works until somebody corrects it."""

    exit_status = ExitStatus.CONFIGURATION


class Interrupted(OpinionscopeError):
    """The run was stopped from outside: Ctrl-C, SIGTERM or SIGHUP."""


class StoreError(OpinionscopeError):
    """The database cannot be opened, read or written."""


class ApiError(OpinionscopeError):
    """A request to the exchange got no usable answer. `retry_after` is the wait in seconds that it asks for."""

    retry_after: float | None = None


class TransientApiError(ApiError):
    """A failure that is worth another try. `is_paced`: the pacer already makes everyone wait before it."""

    is_paced: ClassVar[bool] = False


class ApiUnavailable(TransientApiError):
    """Time-out, broken connection or HTTP 5xx."""


class Throttled(TransientApiError):
    """HTTP 429: too many requests."""

    is_paced = True


class SetAside(ApiError):
    """HTTP 429 for one path again and again, while all others are answered: nobody waits for it."""


class Paused(ApiError):
    """After a 429 the exchange accepts no request before this run is over."""


class BadAnswer(ApiError):
    """The answer does not have the documented shape: never to be taken for "no data"."""


class RequestRefused(ApiError):
    """The exchange understood the request and refused it (`errno` or `code` not 0, or HTTP 4xx)."""


class NotFound(RequestRefused):
    """The exchange does not have such a market or address (404)."""


class KeyRefused(ApiError, ConfigurationError):
    """The exchange does not accept the API key; every other request would fail as well."""

    exit_status = ExitStatus.CONFIGURATION


class OutOfTime(OpinionscopeError):
    """The run's time budget is spent, so no further request may start. The rest waits for the next run."""
