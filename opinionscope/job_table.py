"""The jobs that cron runs. The locks, the log, the schedule, `status` and the alerts all take their jobs from here."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Job:
    """One job."""

    name: str
    """As in the log, in `--type` and in the name of its lock file."""
    command: str
    """The words that run it."""
    schedule: str
    """The five time fields of its crontab line. They are in local time, so no job may depend on the hour."""
    module: str
    """The module below `opinionscope.jobs` that has its `work`; it loads only once the run has its lock."""
    needs_client: bool
    """Whether it sends requests, and so needs the API key."""
    patience: timedelta
    """How long it may stay away before it is overdue: its period, plus what a busy machine needs."""
    cron_option: str = ""
    """What cron adds to the command."""
    daily: bool = False
    """Whether cron starts it hourly, to act once a day: only a completed run shows that it is alive."""

    @property
    def words(self) -> list[str]:
        """The words with which a scheduler runs it."""
        return [*self.command.split(), *self.cron_option.split()]


# Everybody polls on the hour and every five minutes sharp, so the minutes are offset.
MARKETS = Job("markets", "sync markets", "2-59/5 * * * *", "markets.job", True, timedelta(minutes=15))
WHALES = Job("whales", "sync whales", "* * * * *", "whales.job", True, timedelta(minutes=5))
POSITIONS = Job("positions", "sync positions", "41 * * * *", "positions.job", True, timedelta(hours=2, minutes=15))
STATS = Job("stats", "stats", "7 * * * *", "stats", False, timedelta(hours=2, minutes=15))
CLEANUP = Job(
    "cleanup",
    "cleanup",
    "23 * * * *",
    "cleanup",
    False,
    timedelta(hours=26),
    cron_option="--if-due",
    daily=True,
)

JOBS = (MARKETS, WHALES, POSITIONS, STATS, CLEANUP)
JOB_NAMES = tuple(job.name for job in JOBS)
