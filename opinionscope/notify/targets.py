"""The targets named in a setting, and sending messages to them within a hard time limit.

Sending happens in a separate process, because Apprise waits for a target that hangs, even when the interpreter exits;
a process can be killed.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Self

from opinionscope.notify.message import Delivery, Message, scheme_of

SECONDS = 9.0
"""Time limit for all targets together, so that none of them can hold up a run."""
_MOMENT = 1.0
_SENDING_PROCESS = "opinionscope.notify.sending_process"
_DIED = "could not be tried: the sending process died"
_TOO_LATE = "did not answer in time"


def split_urls(text: str) -> list[str]:
    """The Apprise URLs in a setting. A comma inside a URL is part of it, unless a space or another URL follows."""
    return [url for url in re.split(r"\s+|,\s+|,(?=[\w+.-]+://)|,$", text.strip()) if url.strip(",")]


def send(urls: Sequence[str], message: Message, seconds: float = SECONDS) -> list[Delivery]:
    """Send the message to all targets at once, and wait at most `seconds` for them.

    Never raises because of a target: its problem is part of its delivery.
    """
    if not urls:
        return []
    with SendingProcess(time.monotonic() + seconds) as process:
        numbers = [process.begin(url, message) for url in urls]
        return [process.wait(number) for number in numbers]


class SendingProcess:
    """Sends messages one by one or at the same time, until `deadline` (monotonic seconds); threads may share it."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._urls = list[str]()
        self._reports = dict[int, Delivery]()
        self._problem: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._reader is not None:
                self._reader.join(_MOMENT)
            for pipe in filter(None, (self._process.stdin, self._process.stdout)):
                with suppress(OSError):
                    pipe.close()

    def send(self, url: str, message: Message) -> Delivery:
        """Send a message to a target and wait for its answer."""
        return self.wait(self.begin(url, message))

    def begin(self, url: str, message: Message) -> int:
        """Have a message sent; its number."""
        with self._changed:
            number = len(self._urls)
            self._urls.append(url)
            line = json.dumps({"number": number, "url": url, **asdict(message)}).encode() + b"\n"
            try:
                stdin = self._started().stdin
                if stdin is not None:
                    stdin.write(line)
                    stdin.flush()
            except OSError as error:
                self._problem = self._problem or (
                    _DIED if isinstance(error, BrokenPipeError) else f"could not be tried: {error.strerror}"
                )
        return number

    def wait(self, number: int) -> Delivery:
        """What became of a message."""
        with self._changed:
            while number not in self._reports and self._problem is None:
                if not self._changed.wait(max(0.0, self._deadline - time.monotonic())):
                    break
            late = _TOO_LATE if self._problem is None else self._problem
            return self._reports.get(number) or Delivery(scheme_of(self._urls[number]), late)

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            # -P: no module in the current directory may shadow a real one. That directory may have been deleted.
            words = [sys.executable, "-P", "-m", _SENDING_PROCESS]
            self._process = subprocess.Popen(  # noqa: S603
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/"
            )
            self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
            self._reader.start()
        return self._process

    def _read(self, lines: Any) -> None:
        for line in lines:
            if line.endswith(b"\n"):
                report = json.loads(line)
                with self._changed:
                    self._reports[int(report["number"])] = Delivery(report["target"], report["problem"])
                    self._changed.notify_all()
        with self._changed:
            self._problem = self._problem or _DIED
            self._changed.notify_all()
