"""`whales`: tracking wallets, and what is said of them."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinionscope.store.database import Store
from opinionscope.wallet_csv import read_csv
from opinionscope.wallet_list import tidy_name
from tests.cli.conftest import BEHIND, CATCHING_UP, COMPLETE, HOSTILE, REMOVED, Invoke
from tests.conftest import CommandLine

NEW, OTHER = f"0x{'1' * 40}", f"0x{'2' * 40}"
PUBLIC = (
    "address name source enabled elsewhere added_at last_synced_at last_error api_total known_trades trade_count "
    "total_volume last_active_at volume_24h volume_7d volume_30d realized_profit net_profit unrealized_profit exposure "
    "decided_questions won_questions win_rate_low win_rate_high roi luck record_withheld farming_share farming_since "
    "flagged tags stats_updated_at standing_since whole_read_at listed_newest completeness missing"
)
LISTS = (
    "void_cost delay poll_every_seconds polled_by_shard open_positions best_questions worst_questions profit_by_month"
)


def tracked(invoke: Invoke) -> dict[str, str | None]:
    """The names of the tracked wallets, by address."""
    return {whale["address"]: whale["name"] for whale in json.loads(invoke("whales", "list", "--json").stdout)}


def test_adding_says_what_is_new_and_makes_the_database(command: CommandLine) -> None:
    first = command("whales", "add", NEW.upper().replace("0X", "0x"), "--name", " The  first ")
    second = command("whales", "add", NEW, OTHER)

    hint = "Opinion lists trades by the owner's address; the address of a Safe (proxy wallet) shows none.\n"
    assert first.stdout == "1 wallet added.\n" + hint
    assert second.stdout == "1 wallet added, 1 already tracked.\n" + hint
    assert command.query("SELECT address, name, source FROM whales ORDER BY address") == [
        (NEW, "The first", "manual"),
        (OTHER, None, "manual"),
    ]


@pytest.mark.parametrize("bad", ["0x12", "", f"{NEW}0", "1" * 42])
def test_one_bad_address_keeps_all_from_being_added(invoke: Invoke, bad: str) -> None:
    result = invoke("whales", "add", NEW, bad)

    assert result.exit_code == 2
    assert NEW not in tracked(invoke)


def test_a_name_is_for_one_wallet(invoke: Invoke) -> None:
    assert invoke("whales", "add", NEW, OTHER, "--name", "Two").exit_code == 2


def test_removing_keeps_the_history_and_adding_again_goes_on(invoke: Invoke) -> None:
    assert invoke("whales", "remove", COMPLETE).exit_code == 0

    assert COMPLETE not in tracked(invoke)
    assert len(json.loads(invoke("activity", "--whale", COMPLETE, "--json").stdout)) == 2
    assert json.loads(invoke("whales", "show", COMPLETE, "--json").stdout)["enabled"] is False
    assert invoke("whales", "add", COMPLETE).stdout == "1 wallet added.\n"
    assert tracked(invoke)[COMPLETE] == "Ann"


@pytest.mark.parametrize("untracked", [NEW, REMOVED])
def test_removing_what_is_not_tracked_is_wrong_usage_and_removes_nothing(invoke: Invoke, untracked: str) -> None:
    result = invoke("whales", "remove", COMPLETE, untracked)

    assert result.exit_code == 2
    assert untracked in result.stderr
    assert COMPLETE in tracked(invoke)


def test_the_list_says_how_complete_each_history_is(invoke: Invoke) -> None:
    whales = json.loads(invoke("whales", "list", "--json").stdout)
    table = invoke("whales", "list").stdout

    assert {whale["address"]: (whale["completeness"], whale["missing"]) for whale in whales} == {
        COMPLETE: ("complete", 0),
        BEHIND: ("behind", 3),
        CATCHING_UP: ("catching up", 0),
    }
    assert "behind by 3" in table
    assert list(whales[0]) == PUBLIC.split()


@pytest.fixture
def judged(stored: CommandLine) -> CommandLine:
    """The same wallets with figures: a record, too few questions, and profits of a farmer."""
    columns = "net_profit, decided_questions, won_questions, win_rate_low, win_rate_high, roi, luck, record_withheld"
    few, partial = "3 of 20 decided questions", "history catching up"
    figures = {
        COMPLETE: (1_000.0, 20, 14, 0.481, 0.855, 0.125, 1.26, None, 0.1, 0),
        BEHIND: (None, None, None, None, None, None, None, partial, None, 0),
        CATCHING_UP: (5_000.0, 40, 39, 0.87, 1.0, 0.5, 3.0, None, 0.93, 1),
        REMOVED: (-7.5, 3, 1, None, None, None, None, few, 0.2, 0),
    }
    with Store.open(stored.database) as store, store.transaction() as transaction:
        transaction.executemany(
            f"UPDATE whales SET enabled = 1, ({columns}, farming_share, flagged) = ({', '.join('?' * 10)}) "
            "WHERE address = ?",
            [(*values, address) for address, values in figures.items()],
        )
    return stored


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [COMPLETE, REMOVED, BEHIND, CATCHING_UP]),
        (["--hide-flagged"], [COMPLETE, REMOVED, BEHIND]),
        (["--sort", "volume"], [COMPLETE, BEHIND, REMOVED, CATCHING_UP]),
        (["--sort", "NAME", "--hide-flagged"], [BEHIND, COMPLETE, REMOVED]),
        (["--tag", "sports"], []),
    ],
    ids=lambda value: " ".join(value)[:24],
)
def test_wallets_are_ranked_and_those_that_farm_come_last(
    judged: CommandLine, invoke: Invoke, words: list[str], expected: list[str]
) -> None:
    found = json.loads(invoke("whales", "list", "--json", *words).stdout)

    assert [whale["address"] for whale in found] == expected


def test_a_record_comes_with_its_interval_or_with_the_reason_why_it_is_withheld(
    judged: CommandLine, invoke: Invoke
) -> None:
    ann, gone, behind, farmer = invoke("whales", "list").stdout.splitlines()[2:6]

    assert re.search(r"\+1,000\.00 +14/20 \(48–86 %\) +\+12 % +\+1\.3", ann)
    assert re.search(r"-7\.50 +– only 3 decided +– +–", gone)
    assert re.search(r"– +– catching up +– +–", behind)
    assert "93 %" in farmer
    notes = invoke("whales", "list").stdout
    assert "A record needs 20 decided questions." in notes
    assert "flagged for it are listed last" in notes
    assert "flagged" not in invoke("whales", "list", "--hide-flagged").stdout


def test_a_withheld_profit_shows_no_questions_of_the_wallet(judged: CommandLine, invoke: Invoke) -> None:
    values = "'won', 90, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, '2026-01-02T00:00:00Z', '2026-01-02T00:00:00Z'"
    with Store.open(judged.database) as store, store.transaction() as transaction:
        for address in (COMPLETE, BEHIND):
            transaction.execute(
                "INSERT INTO whale_questions (whale_address, platform, part, question, state, realized, settled, "
                "exposure, cost, void_cost, edge, variance, open_positions, marked_positions, without_outcome, "
                f"unknown_markets, last_traded_at, closed_at) VALUES (?, 'opinion_trade', 1, '1', {values})",
                (address,),
            )
    shown, withheld = (invoke("whales", "show", address).stdout for address in (COMPLETE, BEHIND))

    for expected in ("Best questions", "+90.00", "2026-01", "14 of 20 questions won (95 % interval 48–86 %)"):
        assert expected in shown
    assert "withheld: history catching up" in withheld
    for missing in ("Best questions", "+90.00", "2026-01", "interval"):
        assert missing not in withheld


def test_showing_a_wallet_tells_its_figures(stored: CommandLine) -> None:
    shown = stored("whales", "show", COMPLETE).stdout
    document = json.loads(stored("whales", "show", BEHIND, "--json").stdout)

    for expected in (
        COMPLETE,
        "Ann",
        "complete: 2 trades known, of 2 on the exchange",
        "1,239.50",
        "-1.00",
        "(4 min ago)",
    ):
        assert expected in shown
    assert document["name"] == HOSTILE
    assert list(document) == [*PUBLIC.split(), *LISTS.split()]


def test_rereading_a_wallet_doubts_what_is_known_until_its_list_has_been_read(invoke: Invoke) -> None:
    assert "complete: 2 trades known, of 2 on the exchange" in invoke("whales", "show", COMPLETE).stdout

    result = invoke("whales", "reread", COMPLETE)

    assert result.stdout == "The next runs of `opinionscope sync whales` read its whole list again.\n"
    shown = invoke("whales", "show", COMPLETE).stdout
    assert "catching up: 2 trades known, of 2 on the exchange" in shown
    assert "its whole list is to be read again" in shown


@pytest.mark.parametrize("untracked", [NEW, REMOVED])
def test_rereading_what_is_not_tracked_is_wrong_usage(invoke: Invoke, untracked: str) -> None:
    assert invoke("whales", "reread", untracked).exit_code == 2


def test_a_wallet_that_was_never_polled_shows_what_is_unknown_as_such(invoke: Invoke) -> None:
    shown = invoke("whales", "show", CATCHING_UP).stdout

    assert "catching up: 0 trades known, exchange total unknown" in shown
    assert re.search(r"^Last sync +–$", shown, re.MULTILINE)


def test_showing_an_unknown_wallet_says_how_to_add_it(invoke: Invoke) -> None:
    result = invoke("whales", "show", NEW)

    assert result.exit_code == 2
    assert f"opinionscope whales add {NEW}" in result.stderr


def test_an_empty_list_says_how_to_begin(command: CommandLine) -> None:
    command("stats")

    assert "opinionscope whales add" in command("whales", "list").stdout
    assert command("whales", "list", "--json").stdout == "[]\n"


IMPORTS = {
    "lines": f'# mine, "and mine\n\n{NEW}\n  {OTHER} , "Second, the  great"\n',
    "windows": f'\ufeff{NEW}\r\n{OTHER},"Second, the great"\r\n',
    "carriage returns": f'{NEW}\r{OTHER},"Second, the great"\r',
    "twice": f'{NEW}\n{OTHER},"Second, the great"\n{OTHER.upper().replace("0X", "0x")}\n',
    "heading": f'address,name,tags\n{NEW},,\n{OTHER},"Second, the great","a,b"\n',
    "tags": f'{NEW},,"a,b"\n{OTHER},"Second, the great",a\n',
    "another heading": f'Rank,User name,"Wallet address",Volume\n1,,{NEW},5\n2,"Second, the great",{OTHER},"3,5"\n',
    "spreadsheet": f"\ufeffaddress;name;tags\r\n{NEW};;\r\n{OTHER};Second, the great;a\r\n;;\r\n",
    "semicolons": f'{NEW}\n{OTHER};"Second, the great"\n',
    "excel": f"sep=;\r\nname;address\r\n;{NEW}\r\nSecond, the great;{OTHER}\r\n",
    "tabs": f"{NEW}\t\t\n{OTHER}\tSecond, the great\n",
    "trailing separators": f'{NEW},,,,\n{OTHER},"Second, the great",,,\n',
    "objects": json.dumps([{"address": NEW}, {"walletAddress": OTHER, "userName": "Second, the great"}]),
    "leaderboard": json.dumps(
        {
            "errno": 0,
            "result": {
                "list": [{"walletAddress": NEW, "userName": ""}, {"address": OTHER, "name": "Second, the great"}]
            },
        }
    ),
    "mixed": json.dumps([NEW, {"address": OTHER, "name": "Second, the great", "avatar": None}]),
}


@pytest.mark.parametrize("text", IMPORTS.values(), ids=IMPORTS)
def test_lists_are_read_in_every_form(invoke_empty: Invoke, tmp_path: Path, text: str) -> None:
    file = tmp_path / "wallets"
    file.write_text(text, encoding="utf-8", newline="")

    assert invoke_empty("whales", "import", str(file)).stdout == "2 wallets added.\n"
    assert tracked(invoke_empty) == {NEW: None, OTHER: "Second, the great"}


NAMES = {
    "quotes": ('"Ann ""the shark"" B."', 'Ann "the shark" B.'),
    "comma": ('"B., Ann"', "B., Ann"),
    "apostrophe": ("Ann's", "Ann's"),
    "quote within": ('5" pipe', '5" pipe'),
    "line separator": ("a\u2028b\x85c", "a b c"),
    "comment within": ('"a\n#b"', "a #b"),
    "line break": ('"a\nb"', "a b"),
    "hash": ("#1", "#1"),
    "beyond": ("x" * 500, "x" * 100),
}


@pytest.mark.parametrize(("written", "name"), NAMES.values(), ids=NAMES)
def test_names_are_read_as_csv_has_them(invoke_empty: Invoke, written: str, name: str) -> None:
    assert invoke_empty("whales", "import", "-", stdin=f"{NEW},{written}\n{OTHER}\n").stdout == "2 wallets added.\n"
    assert tracked(invoke_empty) == {NEW: name, OTHER: None}


@given(st.dictionaries(st.integers(1, 16**40 - 1), st.text(max_size=30), max_size=8), st.sampled_from(",;\t"))
def test_whatever_a_csv_writer_writes_is_read(names: dict[int, str], separator: str) -> None:
    file = StringIO(newline="")
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(["address", "name", "tags"])
    writer.writerows([f"0x{number:040x}", name, ""] for number, name in names.items())

    expected = [(f"0x{number:040x}", tidy_name(name)) for number, name in names.items()]
    assert [(address, tidy_name(name)) for _, address, name, _ in read_csv(file.getvalue())] == expected


def test_a_name_that_changes_is_told(command: CommandLine) -> None:
    command("whales", "add", NEW, "--name", "Ann")

    for words, told in (
        ([], "1 wallet already tracked."),
        (["--name", "Ann"], "1 wallet already tracked."),
        (["--name", "Bea"], "1 wallet already tracked; renamed to Bea."),
    ):
        assert command("whales", "add", NEW, *words).stdout.splitlines()[0] == told
    again = command("whales", "import", "-", stdin=f"{NEW},Cleo\n{OTHER},Dora\n")
    assert again.stdout.splitlines()[0] == "1 wallet added, 1 already tracked; 1 renamed."
    assert command.query("SELECT name FROM whales ORDER BY address") == [("Cleo",), ("Dora",)]


def test_a_list_is_read_from_the_standard_input(command: CommandLine) -> None:
    result = command("whales", "import", "-", stdin=f'["{NEW}"]')

    assert result.stdout == "1 wallet added.\n"
    assert command.query("SELECT source FROM whales") == [("import",)]


BAD_IMPORTS = {
    "address": (f"{NEW}\n# fine\n0x12\n{OTHER}\n", "line 3"),
    "heading without addresses": (f"who,name\n{NEW},Ann\n", "line 1"),
    "second heading": (f"address,name\n{NEW},Ann\naddress,name\n", "line 3"),
    "comma": (f"{NEW}\n{OTHER},Second, the, great\n", "line 2 has more than 3 fields"),
    "more than the heading": (f"address,name\n{NEW},Second, the great\n", "line 2 has more than 2 fields"),
    "open quote": (f'{NEW},Ann\n{OTHER},"Bea\n', "not valid CSV"),
    "text after a quote": (f'{NEW},"Ann" B.\n', "line 1 is not valid CSV"),
    "huge field": (f"{NEW},{'x' * 200_000}\n", "line 1 is not valid CSV"),
    "short": ("name,address\nAnn\n", "line 2"),
    "entry": (json.dumps([NEW, {"name": "no address"}]), "entry 2"),
    "type": (json.dumps([NEW, 12]), "entry 2"),
    "object": (json.dumps({"wallets": [NEW]}), "JSON"),
    "refusal": (json.dumps({"errno": 11002, "result": None}), "JSON"),
    "cut off": (f'["{NEW}", ', "JSON"),
    "deep": ("[" * 100_000, "JSON"),
    "empty": ("\n# nothing\n", "no wallet"),
    "empty array": ("[]", "no wallet"),
}


@pytest.mark.parametrize(("text", "named"), BAD_IMPORTS.values(), ids=BAD_IMPORTS)
def test_a_bad_list_is_refused_as_a_whole_and_the_place_is_named(invoke: Invoke, text: str, named: str) -> None:
    result = invoke("whales", "import", "-", stdin=text)

    assert result.exit_code == 2
    assert named in result.stderr
    assert not {NEW, OTHER} & set(tracked(invoke))


def test_a_name_with_characters_that_cannot_be_stored_is_stored_without_them(invoke: Invoke) -> None:
    assert (
        invoke("whales", "import", "-", stdin=json.dumps([{"address": NEW, "name": "a\ud800b" + "x" * 500}])).exit_code
        == 0
    )

    name = tracked(invoke)[NEW]
    assert name is not None
    assert name.startswith("a�b")
    assert len(name) == 100


def test_a_file_that_cannot_be_read_is_wrong_usage(invoke: Invoke, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    assert invoke("whales", "import", str(tmp_path / "nowhere")).exit_code == 2
    assert invoke("whales", "import", str(tmp_path)).exit_code == 2
    assert invoke("whales", "import", str(binary)).exit_code == 2


@pytest.mark.parametrize("group", ["whales", "crontab"])
def test_a_group_without_a_command_is_wrong_usage_in_one_line(command: CommandLine, group: str) -> None:
    result = command(group)

    assert result.returncode == 2
    assert result.stderr == "opinionscope: Missing command.\n"


def test_a_table_of_wallets_has_a_limit_and_an_export_only_the_one_it_is_given(invoke: Invoke) -> None:
    assert "2 of 3 wallets; use --limit to show more.\n" in invoke("whales", "list", "--limit", "2").stdout
    assert "--limit" not in invoke("whales", "list", "--limit", "3").stdout
    invoke("whales", "add", *(f"0x{number:040x}" for number in range(50)))
    assert "50 of 53 wallets" in invoke("whales", "list").stdout
    assert len(invoke("whales", "list", "--jsonl").stdout.splitlines()) == 53
    assert len(invoke("whales", "list", "--jsonl", "--limit", "2").stdout.splitlines()) == 2
