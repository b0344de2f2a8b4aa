"""Text from outside: made valid when it comes in, and harmless to whoever reads it on a terminal or in a log."""


def one_line(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters, with a � for each that a terminal would obey or hide."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() or c.isspace() else "�" for c in shown)
    return " ".join(shown.split())


def valid_text(text: str) -> str:
    """The text as valid Unicode: two halves of a surrogate pair become their character, a lone one becomes a �.

    Only valid text can be stored or sent. An API answer may cut a pair in half, and Python reads bytes from the system
    that are not UTF-8 as lone surrogates (https://peps.python.org/pep-0383/).
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def casefold(text: str | None) -> str | None:
    """The text for a comparison that ignores case, in any alphabet."""
    return None if text is None else text.casefold()
