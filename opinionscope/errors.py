"""The exceptions of opinionscope, each with the exit status that the command line ends with."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command tells the shell, cron and monitors. 78 is EX_CONFIG of sysexits.h."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 78


class OpinionscopeError(Exception):
    """A failure that is explained in one line which says what to do about it."""

    exit_status = ExitStatus.FAILED


class UsageError(OpinionscopeError):
    """The user asked for something that cannot be: a bad address, a bad time, an unknown file."""

    exit_status = ExitStatus.USAGE


class ConfigurationError(OpinionscopeError):
    """A setting is missing or wrong; nothing works until someone changes it."""

    exit_status = ExitStatus.CONFIGURATION


class Interrupted(OpinionscopeError):
    """The run was ended from outside: Ctrl-C, SIGTERM or SIGHUP."""


class StoreError(OpinionscopeError):
    """The database cannot be opened, read or written."""


class ApiError(OpinionscopeError):
    """A request to the exchange brought no usable answer. `retry_after` is the wait in seconds that it asks for."""

    retry_after: float | None = None


class ApiUnavailable(ApiError):
    """Time-out, broken connection or HTTP 5xx: worth another try."""


class Throttled(ApiError):
    """HTTP 429: too many requests."""


class Paused(ApiError):
    """After a 429 the exchange wants no request before this run is over."""


class BadAnswer(ApiError):
    """The answer is not of the documented shape: never to be taken for "no data"."""


class RequestRefused(ApiError):
    """The exchange understood the request and refused it (`errno` or `code` not 0, or HTTP 4xx)."""


class NotFound(RequestRefused):
    """The exchange knows no such market or address (404)."""


class KeyRefused(ApiError, ConfigurationError):
    """The exchange does not accept the API key; every other request would fail as well."""

    exit_status = ExitStatus.CONFIGURATION


class OutOfTime(OpinionscopeError):
    """The run's budget is spent before the next request may start. The rest waits for the next run."""
