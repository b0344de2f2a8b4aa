"""The exceptions of opinionscope, each with the status that the command line exits with."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command tells the shell, cron and monitors. 78 is EX_CONFIG in sysexits.h, 130 means Ctrl-C."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 78
    INTERRUPTED = 130


class OpinionscopeError(Exception):
    """A failure, explained in one line that says what to do about it."""

    exit_status = ExitStatus.FAILED


class UsageError(OpinionscopeError):
    """The command line is wrong: an invalid address, an invalid time, an unknown file."""

    exit_status = ExitStatus.USAGE


class ConfigurationError(OpinionscopeError):
    """A setting is missing or wrong. Nothing works until somebody corrects it."""

    exit_status = ExitStatus.CONFIGURATION


class ReaderLeft(OpinionscopeError):
    """Nobody reads the output any more, as after `| head`. Not a failure, and not reported."""

    exit_status = ExitStatus.DONE


class Interrupted(OpinionscopeError):
    """The run was stopped from outside: Ctrl-C, SIGTERM or SIGHUP."""


class StoppedByHand(Interrupted):
    """Somebody pressed Ctrl-C, which says nothing about the health of the job."""

    exit_status = ExitStatus.INTERRUPTED


class StoreError(OpinionscopeError):
    """The database cannot be opened, read or written."""


class ValueRefused(OpinionscopeError):
    """The database works, but does not accept a value: too large, or against a constraint of the table."""


class DatabaseMisconfigured(StoreError, ConfigurationError):
    """The database is not where it should be, or nothing may be written there until somebody corrects it."""

    exit_status = ExitStatus.CONFIGURATION


class ApiError(OpinionscopeError):
    """A request to the exchange got no usable answer. `retry_after` is the wait in seconds that it asks for."""

    retry_after: float | None = None


class TransientApiError(ApiError):
    """A failure that is worth another try. `is_paced`: the pacer already makes everyone wait before it."""

    is_paced = False


class ApiUnavailable(TransientApiError):
    """Time-out, broken connection, HTTP 5xx or an internal failure of the exchange (`errno` 10004)."""


class Throttled(TransientApiError):
    """HTTP 429: too many requests."""

    is_paced = True


class Paused(ApiError):
    """After a 429 the exchange accepts no request before this run is over."""


class BadAnswer(ApiError):
    """The answer does not have the documented shape: never to be taken for "no data"."""


class RequestRefused(ApiError):
    """The exchange understood the request and refused it (`errno` or `code` not 0, or HTTP 4xx)."""


class NotFound(RequestRefused):
    """The exchange does not have such a market or address (404)."""


class NoSuchMarket(NotFound):
    """The exchange says that the market does not exist, or no longer does (`errno` 10200)."""


class AccessBlocked(ApiError):
    """Something between this machine and the exchange refuses the request: the refusal is not the API's."""


class AccessRefused(ApiError, ConfigurationError):
    """The exchange serves no request of this installation; every other one would fail as well."""

    exit_status = ExitStatus.CONFIGURATION


class KeyRefused(AccessRefused):
    """The exchange does not accept the API key."""


class LocationBlocked(AccessRefused):
    """The exchange does not serve the place where this machine is (`errno` 10403)."""


class OutOfTime(OpinionscopeError):
    """The run's time budget is spent, so no further request may start. The rest waits for the next run."""
