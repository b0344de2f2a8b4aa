"""The targets named in a setting, and sending a message to all of them within a hard time limit."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from opinionscope.notify.message import Delivery, Message, scheme_of

SECONDS = 9.0
"""Time limit for all targets together, so that none of them can hold up a run."""
_SENDING_PROCESS = "opinionscope.notify.sending_process"


def split_urls(text: str) -> list[str]:
    """The Apprise URLs in a setting. A comma inside a URL is part of it, unless a space or another URL follows."""
    return [url for url in re.split(r"\s+|,\s+|,(?=[\w+.-]+://)|,$", text.strip()) if url.strip(",")]


def send(urls: Sequence[str], message: Message, seconds: float = SECONDS) -> list[Delivery]:
    """Send the message to all targets at once, and wait at most `seconds` for them.

    Never raises because of a target: its problem is part of its delivery. Sending happens in a separate process,
    because Apprise waits for a target that hangs, even when the interpreter exits; a process can be killed.
    """
    if not urls:
        return []
    order = json.dumps({"urls": urls, **asdict(message)})
    try:
        # -P: no module in the current directory may shadow a real one. That directory may have been deleted.
        words = [sys.executable, "-P", "-m", _SENDING_PROCESS]
        answer = subprocess.run(words, input=order.encode(), cwd="/", capture_output=True, timeout=seconds, check=False)  # noqa: S603
        output, silence = answer.stdout, "could not be tried: the sending process died"
    except subprocess.TimeoutExpired as late:
        output, silence = late.stdout or b"", "did not answer in time"
    except OSError as error:
        output, silence = b"", f"could not be tried: {error.strerror}"
    reports = dict(_read_report(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n"))
    return [reports.get(number, Delivery(scheme_of(url), silence)) for number, url in enumerate(urls)]


def _read_report(line: bytes) -> tuple[int, Delivery]:
    report = json.loads(line)
    return int(report["number"]), Delivery(report["target"], report["problem"])
