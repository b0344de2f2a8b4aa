"""How much of a wallet's history is known, by columns of `whales` that several rows have."""

from datetime import datetime

from opinionscope.completeness import Completeness, judge_completeness


class KnownHistory:
    """For rows that have these columns as fields."""

    api_total: int | None
    known_trades: int
    history_read_at: datetime | None
    resume_position: int | None
    doubted: bool
    missed: int
    waiting: int

    @property
    def completeness(self) -> Completeness:
        """How much of the wallet's history is known."""
        return judge_completeness(
            total=self.api_total,
            known=self.known_trades,
            end_reached=self.history_read_at is not None,
            reading=self.resume_position is not None,
            doubted=bool(self.doubted or self.missed or self.waiting),
        )
