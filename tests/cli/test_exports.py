"""`--json`, `--jsonl` and `--csv`: every listing in three forms that say the same."""

import csv
import json
from io import StringIO
from typing import Any

import pytest

from opinionscope.cli.output.csv_text import print_csv
from tests.cli.conftest import HOSTILE, Invoke

LISTINGS = (["markets"], ["whales", "list"], ["activity"], ["positions"], ["logs"])


def as_csv(value: Any) -> str:
    """A value of a JSON document as a field of a CSV file."""
    if value is None or isinstance(value, str):
        return (value or "").translate(dict.fromkeys(map(ord, "\x1b\x9b\u202e\u2069"), "�"))
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_all_forms_hold_the_same(invoke: Invoke, words: list[str]) -> None:
    documents = json.loads(invoke(*words, "--json").stdout)
    lines = invoke(*words, "--jsonl").stdout.splitlines()
    rows = list(csv.DictReader(StringIO(invoke(*words, "--csv").stdout, newline="")))

    assert [json.loads(line) for line in lines] == documents
    assert rows == [{name: as_csv(value) for name, value in document.items()} for document in documents]


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_an_empty_listing_still_has_a_header(invoke_empty: Invoke, words: list[str]) -> None:
    invoke_empty("stats")
    filtered = {"logs": ["--type", "whales"]}.get(words[0], [])

    assert invoke_empty(*words, *filtered, "--jsonl").stdout == ""
    header, *rest = invoke_empty(*words, *filtered, "--csv").stdout.splitlines()
    assert len(header.split(",")) > 5
    assert rest == []


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_two_forms_at_once_are_wrong_usage(invoke: Invoke, words: list[str]) -> None:
    result = invoke(*words, "--json", "--csv")

    assert result.exit_code == 2
    assert "Choose one of --json and --csv" in result.stderr


def test_csv_is_as_rfc_4180_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"text": 'a "b", c\nd', "small": 1e-7, "large": 1e22, "number": 0.1, "yes": True, "list": ["a"]}
    print_csv([*document, "none"], [document])

    assert capsys.readouterr().out.split("\r\n") == [
        "text,small,large,number,yes,list,none",
        '"a ""b"", c\nd",0.0000001,10000000000000000000000,0.1,true,"[""a""]",',
        "",
    ]


def test_csv_has_no_characters_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["text"], [{"text": HOSTILE + "\r\x07\ud800 é 👩\u200d🚀"}])
    printed = capsys.readouterr().out

    assert "é 👩\u200d🚀" in printed
    assert not set(printed.replace("\r\n", "")) & set("\x1b\x9b\x07\r\u202e\ud800")


def test_a_list_of_wallets_can_be_imported_again(invoke: Invoke, invoke_empty: Invoke) -> None:
    invoke("whales", "tag", "Ann", "vip")
    exported = invoke("whales", "list", "--csv").stdout

    assert invoke_empty("whales", "import", "-", stdin=exported).stdout == "3 wallets added.\n"
    again = {whale["address"]: whale for whale in json.loads(invoke_empty("whales", "list", "--json").stdout)}
    assert [again["0x" + "a" * 40][name] for name in ("name", "tags")] == ["Ann", ["vip"]]
