"""Tables fit what they are printed on, and text from outside cannot do anything to a terminal."""

import json
import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.formats import gain, money, price
from opinionscope.cli.output.layout import fitting, measured, widths_of, without_middle
from opinionscope.cli.output.wrapping import wrapped
from opinionscope.store.database import Store
from opinionscope.text import one_line
from tests.cli.conftest import BEHIND, COMPLETE, HOSTILE, Invoke
from tests.cli.terminal import COLOURS, run_on_terminal
from tests.conftest import COMMAND, CommandLine

TABLES = (
    ["activity", "--orders"],
    ["markets"],
    ["whales", "list"],
    ["activity"],
    ["positions"],
    ["logs"],
    ["whales", "show", BEHIND],
)


@pytest.fixture
def stored(stored: CommandLine) -> CommandLine:
    """The same database with a position whose texts are hostile."""
    with Store.open(stored.database) as store, store.transaction() as transaction:
        transaction.execute(
            "INSERT INTO positions (whale_address, platform, market_external_id, outcome_side, market_title, outcome, "
            "buy_shares, buy_amount, trade_count) VALUES (?, 'opinion_trade', '99', 1, ?, ?, 10, 5, 1)",
            (BEHIND, HOSTILE, HOSTILE),
        )
    return stored


@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_hostile_text_reaches_no_output_as_anything_but_text(invoke: Invoke, words: list[str]) -> None:
    result = invoke(*words)

    assert result.exit_code == 0
    assert "[bold]markup[/nothing]" in result.stdout
    assert ":smile:" in result.stdout
    obeyed = {c for c in result.stdout if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert not obeyed


@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_a_hostile_row_stays_one_line_in_a_pipe(invoke: Invoke, words: list[str]) -> None:
    lines = invoke(*words).stdout.splitlines()

    assert [line for line in lines if "markup" in line] == [line for line in lines if "next line" in line]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(stored: CommandLine, words: list[str], width: int) -> None:
    shown = COLOURS.sub("", run_on_terminal(stored, *words, width=width))

    assert max(map(cell_len, shown.splitlines())) <= width
    assert "\x1b" not in shown


def test_a_narrow_terminal_keeps_the_columns_that_matter_most(stored: CommandLine) -> None:
    narrow = COLOURS.sub("", run_on_terminal(stored, "whales", "list", width=80))
    wide = COLOURS.sub("", run_on_terminal(stored, "whales", "list", width=200))

    assert "behind by 3" in narrow
    assert "30 d" not in narrow
    assert "Ann" in narrow
    assert "0xaaaa" not in narrow
    assert "30 d" in wide
    assert COMPLETE in wide


def test_a_pipe_gets_whole_texts_and_every_column(stored: CommandLine) -> None:
    shown = stored("logs", COLUMNS="40").stdout

    assert ("0xaa: time-out " * 20).strip() in shown
    assert "429s" in shown


def test_colours_are_for_terminals_that_want_them(stored: CommandLine) -> None:
    assert "\x1b[32m" in run_on_terminal(stored, "logs", width=80)
    assert "\x1b[3" not in run_on_terminal(stored, "logs", width=80, NO_COLOR="1")
    assert "\x1b" not in stored("logs").stdout


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_an_encoding_that_lacks_characters_is_no_failure(stored: CommandLine, encoding: str) -> None:
    table = stored("markets", PYTHONIOENCODING=encoding)
    document = stored("markets", "--json", PYTHONIOENCODING=encoding)

    assert (table.returncode, document.returncode) == (0, 0)
    assert HOSTILE in [market["title"] for market in json.loads(document.stdout)]


@pytest.mark.parametrize("words", [["markets"], ["activity", "--json"]], ids=" ".join)
def test_a_reader_that_leaves_early_is_no_failure(stored: CommandLine, words: list[str]) -> None:
    process = subprocess.Popen(
        [*COMMAND, *words], env=stored.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_a_json_document_survives_lone_surrogates_and_shows_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {"text": "\ud800 \x9b2J \x7f \u202e é 😀", "none": None}
    print_json(document)
    printed = capsys.readouterr().out

    assert json.loads(printed) == document
    assert "é 😀" in printed
    assert not set("\ud800\x9b\x7f\u202e") & set(printed)


def test_plain_text_is_bounded_and_keeps_ordinary_writing() -> None:
    assert len(one_line("x" * 10_000, 200)) == 200
    assert one_line("Été ↑ 100,000 😀 שלום", 200) == "Été ↑ 100,000 😀 שלום"
    assert one_line("a\nb\t c\ud800\u202e", 200) == "a b c��"


def test_figures_read_as_people_write_them() -> None:
    assert (money(1234567.891), money(-0.001), money(None)) == ("1,234,567.89", "0.00", None)
    assert (gain(1234.5), gain(-0.25), gain(0.001), gain(None)) == ("+1,234.50", "-0.25", "0.00", None)
    assert (price(0.4215), price(1.0), price(None)) == ("0.421", "1.000", None)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("What price will Bitcoin hit by October 9, 2026?: ↓ 77,600", 26, "What price will…↓ 77,600"),
        ("Next prime minister: Jane Doe", 24, "Next prime…Jane Doe"),
        ("Next prime minister: Jane Doe", 8, "Next…Doe"),
        ("SC Lindenau", 9, "…Lindenau"),
        ("Dmitri the Great", 11, "Dmitri the…"),
        ("x" * 40, 10, "xxxxxx…xxx"),
    ],
)
def test_a_title_that_is_too_long_is_cut_between_words(text: str, width: int, shown: str) -> None:
    assert without_middle(text, width) == shown


@given(st.text(st.sampled_from("ab 王🐋"), min_size=5, max_size=60), st.data())
def test_a_title_that_is_cut_fits(text: str, data: st.DataObject) -> None:
    width = data.draw(st.integers(4, cell_len(text) - 1))

    assert cell_len(without_middle(text, width)) <= width


def test_a_line_without_room_for_the_least_widths_cuts_titles_further() -> None:
    columns = [
        Column("Market", lambda row: row, flexible="cut", least=20),
        Column("Whale", lambda row: row, flexible="cut", least=12),
        Column("Amount", lambda _: "123,456,789.00"),
    ]
    cells = [measured(column, ["x" * 30]) for column in columns]

    assert widths_of(fitting(cells, 40), 40) == [10, 12, 14]
    assert widths_of(fitting(cells, 34), 34) == [7, 9, 14]
    assert widths_of(fitting(cells, 20), 20) == [7, 7, 14]


def test_no_heading_is_wider_than_its_column() -> None:
    columns = [Column("Outcome", lambda _: "YES", flexible="cut", least=3), Column("N", lambda row: row)]
    assert widths_of(fitting([measured(column, ["x" * 8]) for column in columns], 20), 20) == [7, 8]


@pytest.mark.parametrize("width", [50, 60])
def test_an_address_is_in_one_piece_even_where_it_has_no_room_beside_its_name(stored: CommandLine, width: int) -> None:
    shown = COLOURS.sub("", run_on_terminal(stored, "whales", "show", COMPLETE, width=width))

    assert f"Address\n  {COMPLETE}\nName" in shown


def test_a_narrow_table_keeps_room_for_titles_before_it_shows_what_matters_less() -> None:
    columns = [
        Column("Market", lambda row: row, flexible="cut", least=10, enough=20),
        Column("Price", lambda _: "0.5", rank=3),
        Column("Time", lambda _: "12:00:00", rank=4),
    ]
    cells = [measured(column, ["x" * 30]) for column in columns]

    assert [shown.column.title for shown in fitting(cells, 36)] == ["Market", "Price"]
    assert widths_of(fitting(cells, 36), 36) == [29, 5]
    assert [shown.column.title for shown in fitting(cells, 37)] == ["Market", "Price", "Time"]
    assert [shown.column.title for shown in fitting(cells, 16)] == ["Market"]


@given(st.text(alphabet="ab鯨 -/…", max_size=60), st.integers(2, 30))
def test_a_wrapped_text_breaks_words_only_after_punctuation(text: str, width: int) -> None:
    text = one_line(text, 60)
    lines = wrapped(text, width)

    assert max(map(cell_len, lines)) <= width
    cut = [word for word in re.split(r"[ ]|(?<=[-/])", text) if cell_len(word) > width]
    if not cut:
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line.startswith(" ") or line.endswith(" ") for line in lines)


def test_a_word_that_is_too_long_for_its_column_is_cut_and_a_path_goes_on_after_a_slash() -> None:
    assert wrapped("see /var/lib/opinionscope/o.db, please", 14) == ["see /var/lib/", "opinionscope/", "o.db, please"]
    assert wrapped("a 0123456789abcdef b", 8) == ["a", "0123456…", "b"]
    assert without_middle("Winner 2028: None-of-those-above", 20) == "Winner 2028:…above"
