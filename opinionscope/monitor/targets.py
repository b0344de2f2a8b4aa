"""The alert targets: what the setting names, and sending a message to all of them with a hard limit."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from opinionscope.monitor.messages import Message

SECONDS = 9.0
"""For all targets together: none of them may hold a run up for longer."""
_COURIER = "opinionscope.monitor.courier"


@dataclass(frozen=True)
class Delivery:
    """What became of a message at one target: its address without secrets, and the problem (None: it took it)."""

    target: str
    problem: str | None

    @property
    def accepted(self) -> bool:
        """Whether the target took the message."""
        return self.problem is None


def split_urls(text: str) -> list[str]:
    """The Apprise URLs in a setting. A comma inside a URL is part of it, unless a space or another URL follows."""
    return [url for url in re.split(r"\s+|,\s+|,(?=[\w+.-]+://)|,$", text.strip()) if url.strip(",")]


def send(urls: Sequence[str], message: Message, seconds: float = SECONDS) -> list[Delivery]:
    """Send the message to all targets at once, and wait for them no longer than that.

    Never raises for a target's sake: what goes wrong with it is said of it. In a process of its own, since Apprise
    waits, even at the end of the process, for a target that hangs; a process can be ended.
    """
    if not urls:
        return []
    order = json.dumps({"urls": urls, "title": message.title, "body": message.body})
    try:
        # -P: no module of the folder that the command was started in may take the place of a real one.
        words = [sys.executable, "-P", "-m", _COURIER]
        answer = subprocess.run(words, input=order.encode(), capture_output=True, timeout=seconds, check=False)  # noqa: S603
        output, silence = answer.stdout, "could not be tried: the sending process died"
    except subprocess.TimeoutExpired as late:
        output, silence = late.stdout or b"", "did not answer in time"
    except OSError as error:
        output, silence = b"", f"could not be tried: {error.strerror}"
    reports = dict(_read_report(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n"))
    return [reports.get(number, Delivery(scheme_of(url), silence)) for number, url in enumerate(urls)]


def scheme_of(url: str) -> str:
    """All that may be shown of a URL before Apprise has said what in it is secret."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme[:30]}://…" if separator else "…"


def _read_report(line: bytes) -> tuple[int, Delivery]:
    report = json.loads(line)
    return int(report["number"]), Delivery(report["target"], report["problem"])
