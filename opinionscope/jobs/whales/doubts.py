"""What contradicts the trades that are known, and which reading settles that."""

from datetime import datetime

from opinionscope.jobs.whales.save import SavedPage
from opinionscope.jobs.whales.waits import LONGEST_LAG
from opinionscope.store.whale_progress import ReadingProgress
from opinionscope.times import from_text, to_millis_text


def note_doubts(progress: ReadingProgress, left: int, saved: SavedPage, now: datetime) -> ReadingProgress:
    """The progress, doubted if something contradicts what is known."""
    long_ago = now - LONGEST_LAG
    doubted = bool(progress.doubted)
    if saved.missed_since is not None and from_text(saved.missed_since) <= long_ago:
        doubted = True
    ahead_since = progress.ahead_since
    if left < 0:
        ahead_since = ahead_since or to_millis_text(now)
        doubted = doubted or (left != progress.settled_difference and from_text(ahead_since) <= long_ago)
    elif ahead_since is not None:
        # After a surplus, numbers that agree prove nothing: a missing trade can hide behind one too many.
        doubted, ahead_since = True, None
    if left > progress.settled_difference and progress.settled_difference < 0:
        doubted = True
    return progress._replace(doubted=int(doubted), ahead_since=ahead_since)


def shows_enough(progress: ReadingProgress, counted: int | None) -> bool:
    """Whether a whole reading has shown as many trades as the exchange counted, and any of the known ones."""
    shown = progress.known_trades - progress.missed
    return (counted is None or shown >= counted) and (shown > 0 or not progress.known_trades)
