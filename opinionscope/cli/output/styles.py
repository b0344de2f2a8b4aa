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
