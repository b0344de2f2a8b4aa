"""JSON on standard output."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opinionscope.cli.output.blocks import blocks_of
from opinionscope.cli.output.terminal import encoding, write

# Valid in JSON, but a terminal obeys or hides it: DEL and C1 controls, bidirectional and other invisible marks, line
# separators, lone surrogates. Escaped, they mean the same to a JSON parser.
_UNSAFE_IN_TERMINALS = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"


_BLOCK = 200
"""How many documents of an array are written at once."""


def print_json(document: Any) -> None:
    """Print one JSON document that any parser reads and any terminal shows as plain text."""
    write(f"{_safe(json.dumps(document, ensure_ascii=not _is_utf8(), allow_nan=False, indent=2))}\n")


def print_json_array(documents: Iterable[Mapping[str, Any]]) -> None:
    """Print a JSON array of objects, in the same form, while they arrive: it need not fit into memory."""
    encode = json.JSONEncoder(ensure_ascii=not _is_utf8(), allow_nan=False).encode
    before = "[\n"
    for block in blocks_of(documents, _BLOCK):
        write(before + _safe(",\n".join(_indented(document, encode) for document in block)))
        before = ",\n"
    write("[]\n" if before == "[\n" else "\n]\n")


def print_json_lines(documents: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object a line (https://jsonlines.org), while they arrive."""
    encode = json.JSONEncoder(ensure_ascii=not _is_utf8(), allow_nan=False).encode
    for block in blocks_of(documents, _BLOCK):
        write(_safe("".join(f"{encode(document)}\n" for document in block)))


def _indented(document: Mapping[str, Any], encode: Callable[[Any], str]) -> str:
    """The object as an element of an array. Json's own indentation is written in Python, and takes far longer."""
    members = (f"    {encode(name)}: {_indented_value(value, encode)}" for name, value in document.items())
    return "  {\n" + ",\n".join(members) + "\n  }"


def _indented_value(value: Any, encode: Callable[[Any], str]) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"      {encode(item)}" for item in value) + "\n    ]"
    return encode(value)


def _is_utf8() -> bool:
    return encoding().lower().replace("-", "") == "utf8"


def _safe(text: str) -> str:
    return re.sub(_UNSAFE_IN_TERMINALS, lambda match: f"\\u{ord(match[0]):04x}", text)
