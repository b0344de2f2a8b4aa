"""CSV on standard output, as RFC 4180 has it (https://www.rfc-editor.org/rfc/rfc4180)."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any

from opinionscope.cli.output.blocks import blocks_of
from opinionscope.cli.output.terminal import write

# A file of text has no control characters but line breaks and tabs; and a terminal obeys them, and marks that turn the
# direction of writing around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLOCK = 200


def print_csv(names: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> None:
    """Print a header and a line per document, while they arrive: they need not fit into memory.

    Numbers are plain, and nothing is shortened. None is an empty field, a list is JSON.
    """
    write(_lines([names]))
    for block in blocks_of(documents, _BLOCK):
        write(_lines([_plain(document.get(name)) for name in names] for document in block))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _UNSAFE.sub("�", value)
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return _UNSAFE.sub("�", json.dumps(value, ensure_ascii=False))
