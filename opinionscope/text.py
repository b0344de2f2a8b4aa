"""Text from outside, made harmless to whoever reads it on a terminal or in a log."""


def one_line(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters, with a � for each that a terminal would obey or hide."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() or c.isspace() else "�" for c in shown)
    return " ".join(shown.split())
