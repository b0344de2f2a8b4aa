"""Titles from outside are text at every service: through the real plugins, to services on this machine."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser

import pytest

from opinionscope.notify.apprise_target import deliver
from opinionscope.notify.message import Message
from opinionscope.notify.plain_text import as_text
from opinionscope.simulator.spoiled_content import HOSTILE_TEXTS
from opinionscope.text import one_line, valid_text
from tests.notify.services import Services, local_services

NOTHING_WIDE = "\u200b"
EVERYTHING = (
    "Will *it* _rain_ <b>hard</b> & ~~not~~ ||snow|| `now`? [link](https://evil.example) @everyone <@123> <!channel> "
    "<script>alert(1)</script> \\* # :smile: @durov 5 < 6 > 4"
)
TITLES = [
    EVERYTHING,
    "under_score and an *asterisk",
    "</b><a href='https://evil.example'>x</a>",
    "Subject\r\nBcc: victim@example.org",
    "https://evil.example/||hidden||**bold**",
    "- a list\n> a quote\n# a heading",
    *HOSTILE_TEXTS,
]
LINK = "https://app.opinion.trade/detail?topicId=5&type=multi"


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with pytest.MonkeyPatch.context() as patch, local_services(patch) as running:
        yield running


def sent(services: Services, name: str, text: str) -> Message:
    """A message as signals make it of such a title, delivered to a service, which must have taken it."""
    title = one_line(valid_text(text), 140)
    message = Message(f"Ann: BUY {title}", f"BUY NO · 6 fills\n{title}\n{LINK}")
    assert deliver(services.urls[name], message).problem is None
    return message


class Tags(HTMLParser):
    """The tags and the text of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = list[str]()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def visible(text: str) -> str:
    """The text without what nobody sees, on one line."""
    return " ".join(text.replace(NOTHING_WIDE, "").split())


@pytest.mark.parametrize("name", ["telegram", "telegram as Markdown"])
@pytest.mark.parametrize("text", TITLES)
def test_telegram_shows_titles_as_text(services: Services, name: str, text: str) -> None:
    message = sent(services, name, text)
    payload = services.last()
    shown = Tags(payload["text"])
    assert (payload["parse_mode"], shown.tags) == ("HTML", ["b"])
    assert visible(shown.text) == visible(f"{message.title} {message.body}")


@pytest.mark.parametrize("name", ["discord", "discord as Markdown"])
@pytest.mark.parametrize("text", TITLES)
def test_discord_shows_titles_as_text_and_calls_nobody(services: Services, name: str, text: str) -> None:
    message = sent(services, name, text)
    content = services.last()["content"]
    assert LINK in content
    assert not re.search(r"@(everyone|here)|<[@#:!&]", content)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|<>\[\]()#]", content)
    assert visible(re.sub(r"\\([\\*_~`|<>\[\]()#+-])", r"\1", content)) == visible(f"{message.title} {message.body}")


@pytest.mark.parametrize("name", ["slack", "slack as Markdown"])
@pytest.mark.parametrize("text", TITLES)
def test_slack_shows_titles_as_text_and_calls_nobody(services: Services, name: str, text: str) -> None:
    message = sent(services, name, text)
    (attachment,) = services.last()["attachments"]
    assert not services.last()["mrkdwn"]
    assert not re.search(r"[<>]|@(everyone|here|channel)", attachment["title"] + attachment["text"])
    assert visible(unescape(attachment["text"])) == visible(message.body)


@pytest.mark.parametrize("text", TITLES)
def test_mail_has_titles_as_text_and_no_header_of_theirs(services: Services, text: str) -> None:
    services.mails.clear()
    message = sent(services, "mail", text)
    (mail,) = services.mails
    assert visible(str(mail["Subject"])) == visible(message.title)
    assert mail["Bcc"] is None
    part = mail.get_body(("plain",))
    assert part is not None
    assert visible(str(part.get_content())) == visible(message.body)


@pytest.mark.parametrize("text", TITLES)
def test_json_has_titles_as_they_are(services: Services, text: str) -> None:
    message = sent(services, "json", text)
    assert (services.last()["title"], services.last()["message"]) == (message.title, message.body)


LENGTHS: dict[str, Callable[[Services], int]] = {
    "telegram": lambda services: len(services.last()["text"]),
    "discord": lambda services: len(services.last()["content"]),
    "slack": lambda services: len(services.last()["attachments"][0]["text"]),
}
LIMITS = {"telegram": 4_096, "discord": 2_000, "slack": 35_000}


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.parametrize("character", ["x", "_", "<", "🐳", "@a"])
def test_a_long_message_is_cut_to_what_the_service_takes(services: Services, name: str, character: str) -> None:
    message = Message("title " + character * 3_000, character * 40_000)
    assert deliver(services.urls[name], message).problem is None
    length = LENGTHS[name](services)
    assert LIMITS[name] * 0.15 < length <= LIMITS[name]


def test_text_for_programs_is_left_alone() -> None:
    assert as_text(EVERYTHING, "json") == EVERYTHING
    assert visible(as_text(EVERYTHING, "somechat")) == visible(EVERYTHING)
