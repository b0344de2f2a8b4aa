"""Links in a terminal, as OSC 8 has them: https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda."""

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.style import Style

# Nothing that could end the sequence, and no other scheme than that of the exchange's pages.
_SAFE = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-:<-~]*)?")
_LONGEST = 500
_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio")
_TERMINALS = ("xterm-kitty", "alacritty", "foot", "foot-extra", "xterm-ghostty", "contour")
_FIRST_VTE = 5_000


def link_to(text: str) -> "Style | None":
    """The style that makes a text that is a URL a link to it; None for any other text, or where links are not shown."""
    if len(text) > _LONGEST or not _SAFE.fullmatch(text) or not _shows_links():
        return None
    from rich.style import Style

    return Style(link=text)


def _shows_links() -> bool:
    """Whether standard output is a terminal that is known to show links; others may print the sequence as text."""
    if not sys.stdout.isatty() or "NO_HYPERLINKS" in os.environ:
        return False
    vte = os.environ.get("VTE_VERSION", "")
    return (
        os.environ.get("TERM_PROGRAM") in _PROGRAMS
        or os.environ.get("TERM") in _TERMINALS
        or (vte.isdecimal() and int(vte) >= _FIRST_VTE)
        or bool(os.environ.get("WT_SESSION") or os.environ.get("KONSOLE_VERSION"))
    )
