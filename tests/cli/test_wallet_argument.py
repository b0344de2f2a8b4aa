"""How wallets are named on the command line, against a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from opinionscope.cli.app import app
from opinionscope.cli.completion import complete_wallet
from opinionscope.cli.wallet_argument import find_tracked_wallet, find_wallet
from opinionscope.errors import UsageError
from opinionscope.store.database import Store
from opinionscope.store.whales import add_whales, remove_whale
from opinionscope.times import utc_now

ANNA = "0xabcdef01" + "1" * 32
BOB = "0xabcdef02" + "2" * 32
GONE = "0xabcdef03" + "3" * 32
TWINS = ["0xdd" + digit * 38 for digit in "123456"]
HOSTILE = "0xee" + "e" * 38


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    named = [
        (ANNA, "Anna Straße"),
        (BOB, "bob"),
        (GONE, "bob"),
        (HOSTILE, "\x1b[31mred"),
        *((a, "Twin") for a in TWINS),
    ]
    with Store.open(tmp_path_factory.mktemp("data") / "opinionscope.db") as opened:
        add_whales(opened, named, "manual", utc_now())
        remove_whale(opened, GONE)
        yield opened


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (ANNA, ANNA),
        (f" {ANNA.upper()} ".replace("0X", "0x"), ANNA),
        (ANNA.upper(), ANNA),
        ("anna STRASSE", ANNA),
        ("  Anna   Straße ", ANNA),
        ("0xABCDEF02", BOB),
        ("BOB", BOB),
        ("0xabcdef03", GONE),
        (GONE, GONE),
    ],
)
def test_a_wallet_is_found_by_its_address_its_name_or_the_beginning_of_its_address(
    store: Store, text: str, address: str
) -> None:
    assert find_wallet(store, text).address == address


def test_what_several_wallets_fit_is_an_error_that_names_some_of_them(store: Store) -> None:
    with pytest.raises(UsageError, match=r"'twin' fits 6 wallets: .*and 2 more; give more of the address") as caught:
        find_wallet(store, "twin")
    assert sum(address in str(caught.value) for address in TWINS) == 4
    with pytest.raises(UsageError, match=rf"fits 2 wallets: {ANNA} \(Anna Straße\), {BOB} \(bob\); "):
        find_wallet(store, "0xabcdef0")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0x" + "9" * 40, "is not tracked; add it with `opinionscope whales add 0x9"),
        ("0xabcde", "'0xabcde' is too short; expected at least 6 hex digits after 0x"),
        ("0x999999", "No tracked wallet's address begins with 0x999999"),
        ("\x1b[2Jnobody", r"'\\x1b\[2Jnobody' is neither a tracked whale's name nor a wallet address"),
        ("\ud800", "'.ud800' is neither"),
        ("", "'' is neither"),
        ("%", "'%' is neither"),
    ],
)
def test_what_no_wallet_fits_is_an_error_that_says_what_to_do(store: Store, text: str, advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        find_wallet(store, text)


def test_a_removed_wallet_is_not_a_tracked_one(store: Store) -> None:
    with pytest.raises(UsageError, match=f"{GONE} is not tracked; add it with"):
        find_tracked_wallet(store, GONE)


def test_a_name_that_imitates_the_beginning_of_another_address_is_ambiguous(tmp_path: Path) -> None:
    with Store.open(tmp_path / "opinionscope.db") as store:
        add_whales(store, [(ANNA, None), (BOB, ANNA[:10])], "manual", utc_now())
        with pytest.raises(UsageError, match="fits 2 wallets"):
            find_wallet(store, ANNA[:10])


def test_the_shell_completes_names_and_addresses_and_never_a_name_that_a_terminal_would_obey(
    store: Store, tmp_path: Path
) -> None:
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params = {"db": store.path}
    assert complete_wallet(context, "ann") == [("anna Straße", ANNA)]
    assert complete_wallet(context, "0xABCDEF02") == [("0xABCDEF02" + "2" * 32, "bob")]
    assert all(text.isprintable() for pair in complete_wallet(context, "") for text in pair)
    context.params = {"db": tmp_path / "missing.db"}
    assert complete_wallet(context, "") == []


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("An", r"Anna\ Straße"), (r"Anna\ St", r"Anna\ Straße"), ('"An', "Anna Straße"), ("'Anna S", "Anna Straße")],
)
def test_bash_completes_a_name_with_a_space_to_one_word(
    store: Store, typed: str, completed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"opinionscope\nwhales\nshow\n--db\n{store.path}\n{typed}")
    monkeypatch.setenv("COMP_CWORD", "5")
    monkeypatch.setenv("_OPINIONSCOPE_COMPLETE", "complete_bash")
    assert CliRunner().invoke(app, [], prog_name="opinionscope").stdout == f"{completed}\n"
