"""What a shell completes: wallets, tags, and words out of a list. A database that cannot be read completes nothing."""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import typer

from opinionscope.errors import OpinionscopeError
from opinionscope.locations import database_path, read_environment
from opinionscope.store.database import Store
from opinionscope.store.rules import find_rules
from opinionscope.store.whale_tags import find_tags
from opinionscope.store.whales import find_tracked_names
from opinionscope.text import one_line

LONGEST_NAME_SHOWN = 40

Found = TypeVar("Found")


def complete_wallet(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The names and addresses of the tracked wallets that begin with what was typed, and what each is.

    What was typed stays as it is, in whatever letter case: a shell drops a word that begins with anything else.
    """
    tracked = _found(context, lambda store: list(find_tracked_names(store).items()))
    pairs = [pair for address, name in tracked for pair in _words_for(address, name or "")]
    typed = len(incomplete)
    return [(_escaped(incomplete + word[typed:]), what) for word, what in pairs if _same(word[:typed], incomplete)]


def complete_tag(context: typer.Context, incomplete: str) -> list[str]:
    """The tags in use that begin with what was typed."""
    in_use = {tag for tags in _found(context, lambda store: list(find_tags(store).values())) for tag in tags}
    return sorted(tag for tag in in_use if tag.startswith(incomplete.casefold()))


def complete_rule(context: typer.Context, incomplete: str) -> list[str]:
    """The names of the rules that begin with what was typed."""
    return [rule.name for rule in _found(context, find_rules) if rule.name.startswith(incomplete)]


def complete_target(incomplete: str) -> list[str]:
    """The names of the targets that are set up and begin with what was typed."""
    from opinionscope.notify.address_book import AddressBook

    with suppress(OpinionscopeError, OSError):
        return [name for name in AddressBook.of(read_environment()).names if name.startswith(incomplete.lower())]
    return []


def complete_out_of(words: Sequence[str]) -> Callable[[str], list[str]]:
    """The function that completes these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete.lower())]

    return complete


def _found(context: typer.Context, find: Callable[[Store], list[Found]]) -> list[Found]:
    with suppress(OpinionscopeError, OSError), Store.open_to_read(database_path(context.params.get("db"))) as store:
        return find(store)
    return []


def _escaped(word: str) -> str:
    """The word as bash has to insert it, unless it has been begun with a quote. Other shells quote by themselves.

    Only the script that Typer makes for bash sets COMP_WORDS, one word a line and as typed.
    """
    typed = os.environ.get("COMP_WORDS", "").split("\n")
    position = os.environ.get("COMP_CWORD", "")
    if not position.isdecimal() or "".join(typed[int(position) : int(position) + 1]).startswith(("'", '"')):
        return word
    return _Escaped(re.sub(r"""([\s"'\\$`!&;|<>(){}\[\]*?~#])""", r"\\\1", word))


class _Escaped(str):
    """A word with backslashes. Typer would drop it, because it does not begin with what was typed, which has none."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        return True


def _same(text: str, other: str) -> bool:
    return text.casefold() == other.casefold()


def _words_for(address: str, name: str) -> list[tuple[str, str]]:
    """What may be typed for a wallet, each with a description. A name that a terminal would obey is left out."""
    shown = one_line(name, LONGEST_NAME_SHOWN)
    words = [(address, shown or "tracked wallet")]
    return [(shown, address), *words] if shown and shown == name else words
