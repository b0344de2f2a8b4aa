"""One alert target, as Apprise understands its URL.

Loading Apprise takes half a second, so import this module only when there is something to send or to check.
"""

from collections.abc import Sequence

from apprise import Apprise, AppriseAsset, NotifyType

from opinionscope.notify.message import Delivery, Message, scheme_of


def check_urls(urls: Sequence[str]) -> list[Delivery]:
    """Whether Apprise understands each URL. Nothing is sent."""
    return [_load(url)[1] for url in urls]


def deliver(url: str, message: Message) -> Delivery:
    """Send the message to one target. Never raises: a problem becomes part of the delivery."""
    try:
        target, loaded = _load(url)
        if not loaded.accepted:
            return loaded
        # `notify` never raises for a target; it returns False.
        sent = target.notify(
            title=message.title, body=message.body, body_format="text", notify_type=NotifyType(message.severity)
        )
    except Exception as error:  # noqa: BLE001 - any of Apprise's plugins may fail; the other targets must be served
        return Delivery(scheme_of(url), f"failed with {type(error).__name__}")
    return loaded if sent else Delivery(loaded.target, "did not accept the message")


def _load(url: str) -> tuple[Apprise, Delivery]:
    target = Apprise(asset=AppriseAsset(async_mode=False))
    if not target.add(url):
        return target, Delivery(scheme_of(url), "isn't a valid Apprise URL")
    return target, Delivery(str(target[0].url(privacy=True)).partition("?")[0], None)  # type: ignore[no-untyped-call]
