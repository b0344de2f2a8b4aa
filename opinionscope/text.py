"""Text from outside, made harmless to whoever reads it on a terminal or in a log."""


def one_line(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters, with a � for each that a terminal would obey or hide."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() or c.isspace() else "�" for c in shown)
    return " ".join(shown.split())


def valid_text(text: str) -> str:
    """The text as valid Unicode: a lone surrogate, as in a file name that is not UTF-8, becomes a �.

    Only valid text can be stored or sent. Python reads other bytes from the system as lone surrogates
    (https://peps.python.org/pep-0383/).
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
