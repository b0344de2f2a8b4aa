"""Text from outside as each service shows it: as text.

Apprise escapes what its own formats need (HTML for Telegram, entities for Slack). It does not know that some services
interpret what is declared as plain text, and that a name after an @ calls somebody.
"""

import re
from collections.abc import Callable

# These take text as it is: data for a program, or mail, where an @ calls nobody.
_DATA = frozenset(("json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "syslog", "file"))
# https://support.discord.com/hc/en-us/articles/210298617, https://docs.mattermost.com/collaborate/format-messages.html,
# https://docs.rocket.chat/docs/message-formatting, https://zulip.com/help/format-your-message-using-markdown
_MARKDOWN_IN_TEXT = frozenset(
    ("discord", "guilded", "mmost", "mmosts", "rocket", "rockets", "zulip", "revolt", "ryver")
)
_MARKDOWN = re.compile(r"([\\*_~`|<>\[\]()#])")
_LIST_ITEM = re.compile(r"^(\s*)([-+])", re.MULTILINE)
_PLAIN_ADDRESS = re.compile(r"((?<!\S)https://[A-Za-z0-9./?=&%:-]+(?!\S))")
_NOTHING_WIDE = "\u200b"
# Discord's @everyone and <@123>, Slack's <!channel>, Telegram's @name, and tags of whatever kind.
_MENTION = re.compile(r"@(?=[\w&!])|<(?=\S)")
_EMOJI = re.compile(r":(?=[a-z][\w+-]*:)")


def grows_by_entities(scheme: str) -> bool:
    """Whether Apprise turns `<`, `>` and `&` into entities although the service takes plain text."""
    return scheme == "slack"


def as_text(text: str, scheme: str, *, is_markdown: bool = False) -> str:
    """The text so that a service of this Apprise scheme shows it as it is, and calls nobody.

    `is_markdown`: Apprise itself escapes it as Markdown.
    """
    if scheme in _DATA:
        return text
    text = _EMOJI.sub(f":{_NOTHING_WIDE}", _MENTION.sub(lambda match: match[0] + _NOTHING_WIDE, text))
    if scheme not in _MARKDOWN_IN_TEXT or is_markdown:
        return text
    # A hyphen escaped inside an address would become part of it. An address that holds markup is escaped all the same.
    parts = _PLAIN_ADDRESS.split(text)
    return "".join(part if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(text: str) -> str:
    return _LIST_ITEM.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", text))


def cut_to(text: str, limit: int, length: Callable[[str], int]) -> str:
    """The longest beginning of the text, with a … at its end, whose `length` is at most the limit; all if it fits."""
    if length(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[:middle].rstrip() + "…") <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low else "…"[: max(0, limit)]
