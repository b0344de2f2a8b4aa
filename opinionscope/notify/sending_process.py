"""The process that sends messages through Apprise. `targets` starts it, and kills it when it takes too long.

It reads a line of JSON per message from standard input, `{"number", "url", "title", "body", "severity"}`, and writes
one to standard output as soon as the target has answered: `{"number", "target", "problem"}`. Messages are sent at the
same time, so whoever wants an order waits for the answer. At the end of its input it ends.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from opinionscope.notify.apprise_target import deliver
from opinionscope.notify.message import Message

_MOST_AT_ONCE = 64


def main() -> None:
    """Send the messages on standard input."""
    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
        for line in sys.stdin:
            pool.submit(_send, json.loads(line))


def _send(order: dict[str, Any]) -> None:
    delivery = deliver(order["url"], Message(order["title"], order["body"], order["severity"]))
    report = {"number": order["number"], "target": delivery.target, "problem": delivery.problem}
    # Whoever started this process may be gone.
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
