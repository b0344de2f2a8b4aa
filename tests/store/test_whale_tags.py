"""Tags of wallets."""

from pathlib import Path

import pytest

from opinionscope.errors import UsageError
from opinionscope.store.database import Store
from opinionscope.store.whale_tags import add_tag, find_tagged, find_tags, remove_tag
from opinionscope.tags import parse_tag, parse_tags

ONE, TWO = "0x" + "1" * 40, "0x" + "2" * 40


def test_tags_compare_without_regard_to_case_and_are_counted_when_they_change(tmp_path: Path) -> None:
    with Store.open(tmp_path / "opinionscope.db") as store:
        assert add_tag(store, [ONE, TWO], "Große") == 2
        assert add_tag(store, [ONE, TWO], "GROSSE") == 0
        assert add_tag(store, [ONE], "a-team") == 1
        assert find_tags(store) == {ONE: ("a-team", "grosse"), TWO: ("grosse",)}
        assert find_tagged(store, "große") == [ONE, TWO]
        assert remove_tag(store, [ONE, TWO], "A-Team") == 1
        assert find_tags(store) == {ONE: ("grosse",), TWO: ("grosse",)}


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a,b", "a\nb", "\x1b[2J", "a\u202eb", "-x", "x" * 33, "ß" * 17, "\ud800"]
)
def test_what_a_list_or_a_terminal_would_take_for_something_else_is_no_tag(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid tag"):
        parse_tag(text)


def test_a_list_of_tags_may_have_any_separator() -> None:
    assert parse_tags(" Smart, sports;SMART|x\ty ") == ["smart", "sports", "x", "y"]
