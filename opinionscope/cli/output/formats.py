"""Values as text: amounts, prices, counts, times and addresses. None stays None: nothing is known."""

from datetime import datetime

from opinionscope.times import ago


def money(amount: float | None) -> str | None:
    """`1,234.50`."""
    return None if amount is None else f"{amount:z,.2f}"


def gain(amount: float | None) -> str | None:
    """`+1,234.50`, `-0.20`, `0.00`: a profit or a loss with its sign."""
    text = money(amount)
    return text if text is None or text.startswith("-") or not text.strip("0.,") else f"+{text}"


def percent(share: float | None) -> str | None:
    """`42 %`: a share of 1."""
    return None if share is None else f"{share * 100:z,.0f} %"


def signed(value: float | None) -> str | None:
    """`+2.1`: a number of standard deviations."""
    return None if value is None else f"{value:+z.1f}"


def price(value: float | None) -> str | None:
    """`0.421`: a price, which is a probability."""
    return None if value is None else f"{value:z.3f}"


def shares(number: float | None) -> str | None:
    """`1,234`, or `0.42` of less than ten: a number of shares."""
    if number is None:
        return None
    return f"{number:z,.2f}" if abs(number) < 10 else f"{number:,.0f}"


def count(number: int | None) -> str | None:
    """`1,234`."""
    return None if number is None else f"{number:,}"


def typed(number: float) -> str:
    """`1000000`, `0.5`: a number as it is typed."""
    return f"{number:.9f}".rstrip("0").rstrip(".")


def counted(number: int, noun: str) -> str:
    """`1 wallet`, `2 wallets`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def moment(time: datetime | None) -> str | None:
    """A time, to the second, UTC: `2026-01-31 09:05:07`."""
    return None if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def day(time: datetime | None) -> str | None:
    """`2026-01-31`."""
    return None if time is None else f"{time:%Y-%m-%d}"


def age(time: datetime | None, now: datetime) -> str | None:
    """How long ago a time was: `4 min ago`."""
    return None if time is None else ago(time, now)


def elapsed(time: datetime | None, now: datetime) -> str | None:
    """The same for a column of ages: `4 min`."""
    return None if time is None else ago(time, now).removesuffix(" ago")


def seconds(duration: float | None) -> str | None:
    """`1.2 s`."""
    return None if duration is None else f"{duration:.1f} s"


def file_size(size: float) -> str:
    """`12 bytes`, `3.4 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1_000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:,.1f} GB"


def short_address(address: str) -> str:
    """`0x1234…abcd`."""
    return f"{address[:6]}…{address[-4:]}"
