"""`whales rename`, `tag` and `untag`, and the word WALLET wherever it stands."""

import json

from opinionscope.store.database import Store
from opinionscope.store.whale_tags import find_tags
from tests.cli.conftest import BEHIND, COMPLETE, Invoke
from tests.conftest import CommandLine

NEW = f"0x{'1' * 40}"


def tags_in(stored: CommandLine) -> dict[str, tuple[str, ...]]:
    with Store.open(stored.database) as store:
        return find_tags(store)


def test_a_wallet_goes_by_its_new_name_everywhere(invoke: Invoke) -> None:
    assert invoke("whales", "rename", "ANN", " Ann  the shark").stdout == f"{COMPLETE} is now called Ann the shark.\n"
    assert json.loads(invoke("whales", "show", "ann the shark", "--json").stdout)["address"] == COMPLETE
    assert len(json.loads(invoke("activity", "--whale", COMPLETE[:8].upper(), "--json").stdout)) == 2
    assert invoke("whales", "reread", "ann the shark").exit_code == 0
    assert invoke("whales", "rename", COMPLETE, " ").stdout == f"{COMPLETE} has no name now.\n"
    assert invoke("whales", "show", "ann the shark").exit_code == 2


def test_renaming_to_a_name_that_is_taken_is_told(invoke: Invoke) -> None:
    assert "2 tracked wallets have this name" in invoke("whales", "rename", BEHIND, "ann").stdout


def test_tags_are_given_and_taken_by_any_word_for_the_wallet(invoke: Invoke, stored: CommandLine) -> None:
    assert invoke("whales", "tag", "Ann", BEHIND, "Smart").stdout == "2 wallets tagged; 2 wallets tagged smart.\n"
    assert invoke("whales", "untag", "Ann", "SMART").stdout == "1 wallet untagged; 1 wallet tagged smart.\n"
    assert invoke("whales", "tag", "Ann", "no body").exit_code == 2
    assert invoke("whales", "tag", "Ann", "nobody", "x").exit_code == 2
    assert tags_in(stored) == {BEHIND: ("smart",)}


def test_wallets_are_tagged_as_they_are_added_or_imported(invoke: Invoke, stored: CommandLine) -> None:
    assert invoke("whales", "add", NEW, "--tag", "KOL", "--tag", "kol").stdout.startswith(
        "1 wallet added; tagged kol.\n"
    )
    assert invoke("whales", "import", "-", stdin=f'{NEW},,"a; B"\n{COMPLETE},,\n').exit_code == 0
    document = json.dumps([{"address": BEHIND, "tags": ["c", "d"]}])
    assert invoke("whales", "import", "-", stdin=document).exit_code == 0
    assert tags_in(stored) == {NEW: ("a", "b", "kol"), BEHIND: ("c", "d")}


def test_a_bad_tag_in_a_list_imports_nothing(invoke: Invoke, stored: CommandLine) -> None:
    result = invoke("whales", "import", "-", stdin=f"address,tags\n{NEW},{'x' * 33}\n")
    assert result.exit_code == 2
    assert "line 2: 'xxx" in result.stderr
    document = json.dumps([{"address": NEW, "tags": ["two words"]}])
    assert "'two words' is not a valid tag" in invoke("whales", "import", "-", stdin=document).stderr
    assert tags_in(stored) == {}


def test_adding_by_name_tags_a_wallet_that_is_known(invoke: Invoke, stored: CommandLine) -> None:
    assert invoke("whales", "add", "ann", "--tag", "x").stdout == "1 wallet already tracked; tagged x.\n"
    assert tags_in(stored) == {COMPLETE: ("x",)}
