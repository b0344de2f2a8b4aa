"""Headers of an answer, which anybody may have written: each is read or taken for absent, and none raises."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_EPOCH = datetime.fromtimestamp(0, UTC)
_MOST_DIGITS = 9


@lru_cache(maxsize=16)  # all answers of a second have the same one
def read_date(header: str | None) -> datetime | None:
    """The moment in a header such as Date, in UTC; None without a usable one."""
    try:
        moment = parsedate_to_datetime(header or "")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return _EPOCH + (moment - _EPOCH)
    except (ValueError, OverflowError, TypeError, IndexError):
        # A year of twenty digits, a zone of 99 hours: the standard library computes before it checks.
        return None


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait a Retry-After header asks for, in seconds or as a date; None without a usable one.

    See https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    text = (header or "").strip()
    if text.isdecimal() and text.isascii():
        return float(text if len(text) <= _MOST_DIGITS else "9" * _MOST_DIGITS)
    moment = read_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())
