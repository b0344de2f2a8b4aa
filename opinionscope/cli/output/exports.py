"""Listings for other programs: as JSON, as JSON lines, or as CSV."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from opinionscope.cli.output.csv_text import print_csv
from opinionscope.cli.output.documents import print_json_array, print_json_lines
from opinionscope.errors import UsageError
from opinionscope.records import Record

Form = Literal["json", "jsonl", "csv"]


def chosen_form(*, json: bool, jsonl: bool, csv: bool) -> Form | None:
    """The form that the flags ask for; None for a table. Raises UsageError if they ask for more than one."""
    flags: dict[Form, bool] = {"json": json, "jsonl": jsonl, "csv": csv}
    wanted = [form for form, is_wanted in flags.items() if is_wanted]
    if len(wanted) > 1:
        raise UsageError(f"Choose one of {' and '.join(f'--{form}' for form in wanted)}.")
    return wanted[0] if wanted else None


def print_records(form: Form, kind: type[Record], records: Iterable[Record]) -> None:
    """Print records of one kind, while they arrive: they need not fit into memory."""
    print_documents(form, kind.document_names(), (record.as_document() for record in records))


def print_documents(form: Form, names: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> None:
    """Print documents of the same names; CSV shows these alone."""
    if form == "csv":
        print_csv(names, documents)
    elif form == "jsonl":
        print_json_lines(documents)
    else:
        print_json_array(documents)
