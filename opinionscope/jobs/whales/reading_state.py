"""How far one run has read a wallet's list: what the rules of a reading start from, page after page."""

from datetime import datetime
from typing import NamedTuple

from opinionscope.jobs.whales.look_again import Look
from opinionscope.store.whale_progress import ReadingProgress

HEAD_PAGES = 10
"""How many of the newest pages a run reads without further reason."""


class Reading(NamedTuple):
    """How far one run has read a wallet's list.

    `joined`: it has met trades of an earlier run, or the end. `resume_below` is where an earlier run stopped, moved
    down by the trades that have come on top since. `first_total` is the exchange's count on the first page of this run,
    `last_total` its count in the run before, and `total_fell` by how much the count has fallen within this run.

    `gained` counts the trades that became known, and `found` those of them below where the run joined. `pages` counts
    the pages read, and `deep_pages` those below where it joined. `newest` is the unix second of the newest trade.

    `is_whole`: it has left out nothing from the top down. `is_sound`: all its pages can be believed. `lacks_answers`:
    an answer that might have shown more did not come. `has_jumped`: it went on where an earlier run stopped.
    `has_ended`: the reading is over; `has_reached_end`: at the end of a list that had been read to its end before, or
    that the exchange cuts. What has been missed since `missed_until` or longer is to be withdrawn. `look`: known trades
    that are to be looked at again.
    """

    progress: ReadingProgress
    joined: bool = False
    resume_below: int | None = None
    first_total: int | None = None
    last_total: int | None = None
    gained: int = 0
    found: int = 0
    pages: int = 0
    deep_pages: int = 0
    is_whole: bool = True
    is_sound: bool = True
    lacks_answers: bool = False
    is_in_order: bool = True
    has_ended: bool = False
    has_reached_end: bool = False
    has_jumped: bool = False
    missed_until: datetime | None = None
    look: Look | None = None
    newest: int = 0
    total_fell: int = 0

    @property
    def grown(self) -> int:
        """By how much the list has grown in this run. The next run reads what came on top."""
        return max(0, (self.progress.api_total or 0) - (self.first_total or 0))

    @property
    def left(self) -> int:
        """How many trades are missing below what came on top in this run; negative if more are known than counted."""
        difference = self.progress.difference
        return max(0, difference - self.grown) if difference > 0 else difference

    @property
    def is_bound_for_the_end(self) -> bool:
        """Whether nothing on its pages ends it above the end of the list: a first reading that has no gap to find."""
        knew_nothing = self.progress.known_trades == self.gained
        return not self.progress.end_reached and (self.joined or knew_nothing)

    def most_new(self, total: int | None) -> int | None:
        """How many new trades a page with this total can bring; None if nothing limits the number."""
        progress = self.progress
        if total is None or self.last_total is None or not progress.end_reached:
            return None
        return max(0, total - progress.known_trades, total - self.last_total - self.gained)
