"""Sending a message to the alert targets. Apprise takes a second to load, so it is loaded only to send."""

import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opinionscope.monitor.messages import Message

if TYPE_CHECKING:
    from apprise import Apprise

SECONDS = 9.0
"""For all targets together: none of them may hold a job up for longer."""


@dataclass(frozen=True)
class Delivery:
    """What became of a message at one target. `target` is its address without its secrets, `problem` None if it took
    the message."""

    target: str
    problem: str | None

    @property
    def accepted(self) -> bool:
        """Whether the target took the message."""
        return self.problem is None


def split_urls(text: str) -> list[str]:
    """The Apprise URLs in a setting. A comma inside a URL is part of it, unless a space or another URL follows."""
    return [url for url in re.split(r"\s+|,\s+|,(?=[\w+.-]+://)|,$", text.strip()) if url.strip(",")]


def check_urls(urls: Iterable[str]) -> list[Delivery]:
    """Whether Apprise knows what to do with each URL; nothing is sent."""
    return [_load(url)[1] for url in urls]


def send(urls: Iterable[str], message: Message, seconds: float = SECONDS) -> list[Delivery]:
    """Send the message to all targets at once, and wait for them no longer than that.

    Never raises: what goes wrong with a target is said of it. One that hangs is left behind, in a thread that does
    not keep the process from ending.
    """
    end = time.monotonic() + seconds
    attempts = [_Attempt(url, message) for url in urls]
    for attempt in attempts:
        attempt.start()
    for attempt in attempts:
        attempt.join(max(0.0, end - time.monotonic()))
    return [attempt.delivery for attempt in attempts]


class _Attempt(threading.Thread):
    def __init__(self, url: str, message: Message) -> None:
        super().__init__(name="alert", daemon=True)
        self.delivery = Delivery(_scheme_of(url), "did not answer in time")
        self._url = url
        self._message = message

    def run(self) -> None:
        try:
            self.delivery = _deliver(self._url, self._message)
        except Exception as error:  # noqa: BLE001 - a target's trouble is reported, and is no trouble of the run
            self.delivery = Delivery(_scheme_of(self._url), f"failed with {type(error).__name__}")


def _deliver(url: str, message: Message) -> Delivery:
    target, loaded = _load(url)
    if not loaded.accepted:
        return loaded
    # Apprise reports a failure by what it returns, and raises nothing.
    sent = target.notify(title=message.title, body=message.body, body_format="text")
    return loaded if sent else Delivery(loaded.target, "did not accept the message")


def _load(url: str) -> "tuple[Apprise, Delivery]":
    from apprise import Apprise, AppriseAsset

    # Without a pool of threads, which the end of the process would wait for.
    target = Apprise(asset=AppriseAsset(async_mode=False))
    if not target.add(url):
        return target, Delivery(_scheme_of(url), "is no address that Apprise understands")
    return target, Delivery(str(target[0].url(privacy=True)).partition("?")[0], None)  # type: ignore[no-untyped-call]


def _scheme_of(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return f"{scheme[:30]}://…" if separator else "…"
