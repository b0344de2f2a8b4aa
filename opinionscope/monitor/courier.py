"""The process that brings a message to the alert targets; `targets.send` starts it and ends it when it takes too long.

On stdin it gets `{"urls", "title", "body"}`, on stdout it writes a line of JSON for each target as soon as that has
answered. Apprise takes half a second to load; nothing else loads it before there is something to send.
"""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from apprise import Apprise, AppriseAsset

from opinionscope.monitor.targets import Delivery, scheme_of


def main() -> None:
    """Bring the message of stdin to its targets, to all at once."""
    order = json.load(sys.stdin)
    with ThreadPoolExecutor(max_workers=len(order["urls"])) as pool:
        attempts = {
            pool.submit(deliver, url, order["title"], order["body"]): number for number, url in enumerate(order["urls"])
        }
        for attempt in as_completed(attempts):
            delivery = attempt.result()
            report = {"number": attempts[attempt], "target": delivery.target, "problem": delivery.problem}
            os.write(sys.stdout.fileno(), json.dumps(report).encode() + b"\n")


def check_urls(urls: Sequence[str]) -> list[Delivery]:
    """Whether Apprise understands each URL; nothing is sent."""
    return [_load(url)[1] for url in urls]


def deliver(url: str, title: str, body: str) -> Delivery:
    """Bring the message to one target."""
    try:
        target, loaded = _load(url)
        if not loaded.accepted:
            return loaded
        # Apprise tells of a failure by what it returns.
        sent = target.notify(title=title, body=body, body_format="text")
    except Exception as error:  # noqa: BLE001 - one of a hundred plugins: reported, and no trouble of the other targets
        return Delivery(scheme_of(url), f"failed with {type(error).__name__}")
    return loaded if sent else Delivery(loaded.target, "did not accept the message")


def _load(url: str) -> tuple[Apprise, Delivery]:
    target = Apprise(asset=AppriseAsset(async_mode=False))
    if not target.add(url):
        return target, Delivery(scheme_of(url), "is no address that Apprise understands")
    return target, Delivery(str(target[0].url(privacy=True)).partition("?")[0], None)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
