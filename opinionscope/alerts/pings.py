"""Pings for a dead-man's switch such as healthchecks.io, which raises the alarm when pings stop coming.

See https://healthchecks.io/docs/http_api/: the URL itself means success, `/start` and `/fail` below it the rest, and
the body is kept as the reason.
"""

import queue
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from opinionscope.alerts.messages import redacted

SECONDS = 10.0
"""Time limit for the pings that are still to be sent when the run ends."""
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 4.0
_LONGEST_BODY = 1_000


def ping_address(url: str, job: str, signal: str = "") -> str:
    """The address of a signal (`start`, `fail`, or none for success). Raises ValueError if the URL is not valid."""
    parts = urlsplit(url.strip().replace("{job}", job))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://hc-ping.com/…")
    path = parts.path.rstrip("/") + f"/{signal}" if signal else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class Pinger:
    """Sends the pings of one run in order, in its own thread, so that the run does not wait for them."""

    def __init__(self, url: str, job: str, secrets: Sequence[str] = ()) -> None:
        self._url = url
        self._job = job
        self._secrets = secrets
        self._signals: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, name="pings", daemon=True)
        self._problem: str | None = None
        self._is_done = False
        self._give_up_at = 0.0

    def start(self) -> None:
        """Report that the run begins."""
        self._signals.put(("start", ""))
        self._thread.start()

    def end(self, failure: str | None) -> None:
        """Report how the run ended, with the reason if it failed."""
        reason = None if failure is None else redacted(failure, self._secrets)[:_LONGEST_BODY]
        self._signals.put(("", "") if reason is None else ("fail", reason))
        self._signals.put(None)
        if self._thread.ident is None:
            self._thread.start()
        self._give_up_at = time.monotonic() + SECONDS

    def wait(self) -> str | None:
        """Wait until the pings are sent; what went wrong, None if nothing did."""
        self._thread.join(max(0.0, self._give_up_at - time.monotonic()))
        if self._thread.is_alive():
            return "no answer in time"
        return self._problem if self._is_done else self._problem or "not sent"

    def _send_all(self) -> None:
        while (signal := self._signals.get()) is not None:
            self._problem = self._send(*signal) or self._problem
        self._is_done = True

    def _send(self, signal: str, body: str) -> str | None:
        try:
            import requests

            address = ping_address(self._url, self._job, signal)
            answer = requests.request(
                "POST" if body else "GET",
                address,
                data=body.encode() or None,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                stream=True,
            )
            answer.close()
        except requests.Timeout:
            return "no answer in time"
        except Exception as error:  # noqa: BLE001 - requests also raises OSError, as for a missing CA bundle
            return f"not sent ({type(error).__name__})"
        return None if answer.ok else f"answered with HTTP {answer.status_code}"
