"""One alert target, as Apprise understands its URL.

Loading Apprise takes half a second, so import this module only when there is something to send or to check.
"""

import re
from collections.abc import Sequence
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from opinionscope.notify.message import Delivery, Message, scheme_of
from opinionscope.notify.plain_text import as_text, cut_to, grows_by_entities

_LARGEST_ENTITY = 6
_SEPARATOR = 16
_TEXT = "text"
_FORMAT = re.compile(r"([?&])format=[^&]*")


def check_urls(urls: Sequence[str]) -> list[Delivery]:
    """Whether Apprise understands each URL. Nothing is sent."""
    return [_load(url)[1] for url in urls]


def deliver(url: str, message: Message) -> Delivery:
    """Send the message to one target. Never raises: a problem becomes part of the delivery."""
    try:
        target, loaded = _load(url)
        if not loaded.accepted:
            return loaded
        title, body = _fitted(message, target[0], url.partition(":")[0].lower())
        # `notify` never raises for a target; it returns False.
        sent = target.notify(title=title, body=body, body_format=_TEXT, notify_type=NotifyType(message.severity))
    except Exception as error:  # noqa: BLE001 - any of Apprise's plugins may fail; the other targets must be served
        return Delivery(scheme_of(url), f"failed with {type(error).__name__}")
    return loaded if sent else Delivery(loaded.target, "did not accept the message")


def _load(url: str) -> tuple[Apprise, Delivery]:
    target = Apprise(asset=AppriseAsset(async_mode=False))
    # Messages are text. Asked for Markdown, a service would be given addresses with backslashes, and would call people.
    if not target.add(_FORMAT.sub(r"\1format=text", url)):
        return target, Delivery(scheme_of(url), "isn't a valid Apprise URL")
    return target, Delivery(str(target[0].url(privacy=True)).partition("?")[0], None)  # type: ignore[no-untyped-call]


def _fitted(message: Message, plugin: Any, scheme: str) -> tuple[str, str]:
    """The message as the service shows it as text, cut to what it takes after it is escaped."""
    shown = plugin.resolve_format(_TEXT)
    is_markdown = shown == NotifyFormat.MARKDOWN

    def length(text: str) -> int:
        """At most how long the text is when it is sent."""
        grown = len(as_text(text, scheme, is_markdown=is_markdown))
        if shown == NotifyFormat.HTML or grows_by_entities(scheme):
            grown += sum(_LARGEST_ENTITY for character in text if character in "&<>\"'\n")
        return grown + (sum(not character.isalnum() for character in text) if is_markdown else 0)

    title_limit = plugin.title_maxlen or plugin.body_maxlen // 2
    title = cut_to(message.title, title_limit, length)
    # Some services take a title and a text that share one limit.
    body = cut_to(message.body, plugin.body_maxlen - length(title) - _SEPARATOR, length)
    return tuple(as_text(text, scheme, is_markdown=is_markdown) for text in (title, body))  # type: ignore[return-value]
