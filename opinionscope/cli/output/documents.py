"""JSON on standard output."""

import json
import re
from typing import Any

from opinionscope.cli.output.terminal import encoding, write

# Valid in JSON, but a terminal obeys or hides it: DEL and C1 controls, bidirectional and other invisible marks, line
# separators, lone surrogates. Escaped, they mean the same to a JSON parser.
_UNSAFE_IN_TERMINALS = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"


def print_json(document: Any) -> None:
    """Print one JSON document that any parser reads and any terminal shows as plain text."""
    is_utf8 = encoding().lower().replace("-", "") == "utf8"
    text = json.dumps(document, ensure_ascii=not is_utf8, allow_nan=False, indent=2)
    text = re.sub(_UNSAFE_IN_TERMINALS, lambda match: f"\\u{ord(match[0]):04x}", text)
    write(f"{text}\n")
