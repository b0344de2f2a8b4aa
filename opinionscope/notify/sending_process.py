"""The process that sends one message to all targets. `targets.send` starts it, and kills it when it takes too long.

It reads `{"urls", "title", "body", "severity"}` from standard input and writes one line of JSON per target to standard
output, as soon as that target has answered.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from opinionscope.notify.apprise_target import deliver
from opinionscope.notify.message import Message


def main() -> None:
    """Send the message on standard input to all its targets at once."""
    order = json.load(sys.stdin)
    message = Message(order["title"], order["body"], order["severity"])
    with ThreadPoolExecutor(max_workers=len(order["urls"])) as pool:
        attempts = {pool.submit(deliver, url, message): number for number, url in enumerate(order["urls"])}
        for attempt in as_completed(attempts):
            delivery = attempt.result()
            report = {"number": attempts[attempt], "target": delivery.target, "problem": delivery.problem}
            os.write(sys.stdout.fileno(), json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
