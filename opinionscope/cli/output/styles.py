"""Colours for words that several tables show, as rich styles."""

STATUS_STYLES = {
    "completed": "green",
    "partial": "yellow",
    "failed": "red",
    "running": "cyan",
    "skipped": "dim",
    "interrupted": "dim",
}
COMPLETENESS_STYLES = {"complete": "green", "catching up": "cyan", "behind": "yellow", "ahead": "yellow"}


def gain_style(amount: float | None) -> str:
    """Green for a profit, red for a loss, as far as two decimals show it."""
    rounded = round(amount or 0.0, 2)
    return "green" if rounded > 0 else "red" if rounded < 0 else ""
