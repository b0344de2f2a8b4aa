"""The alarm of a job: what was said of it, kept in the database, or in a file while that fails."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from opinionscope.errors import StoreError
from opinionscope.monitor import messages, outage
from opinionscope.monitor.alerts import Policy, Step, Tell, advance
from opinionscope.monitor.messages import Message
from opinionscope.monitor.targets import send, split_urls
from opinionscope.store.alerts import AlertState, find_alert, record_delivery, save_alert
from opinionscope.store.database import Store
from opinionscope.store.health import Streak, read_streak


class Alarm:
    """Tells the alert targets when the job keeps failing, and when it has recovered.

    `urls` is the setting, `after` the number of failures in a row that it takes; `secrets` are never sent.
    """

    def __init__(
        self,
        *,
        job: str,
        database: Path,
        urls: str,
        after: int,
        secrets: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._job = job
        self._database = database
        self._urls = split_urls(urls)
        self._after = after
        self._secrets = secrets
        self._clock = clock

    def review(self, store: Store, *, urgent: bool = False, at_the_end: bool = False) -> None:
        """Tell what is due by the log. `urgent`: at the first failure. `at_the_end`: the database lasted the run."""
        now = self._clock()
        try:
            state, streak = find_alert(store, self._job), read_streak(store, self._job)
            after = advance(state, streak, Policy(self._after, urgent), now, self._tell_of_job(store, now))
            if after != state:
                save_alert(store, self._job, after)
        except StoreError as error:
            self.store_failed(error)
            return
        if at_the_end:
            outage.note_success(self._database, now, self._tell_of_database(now))

    def store_failed(self, error: StoreError) -> None:
        """Tell that the database fails, when it is time."""
        now = self._clock()
        outage.note_failure(self._database, str(error), now, self._after, self._tell_of_database(now))

    def _tell_of_job(self, store: Store, now: datetime) -> Tell:
        def tell(step: Step, state: AlertState, streak: Streak) -> bool:
            if step is Step.FAILING:
                message = messages.job_failing(self._job, streak, now)
            else:
                message = messages.job_recovered(self._job, state, state.recovered_at or now)
            accepted, problems = self._send(message)
            record_delivery(store, "alert", now, sent=accepted, error=problems)
            return accepted

        return tell

    def _tell_of_database(self, now: datetime) -> Tell:
        def tell(step: Step, state: AlertState, streak: Streak) -> bool:
            if step is Step.FAILING:
                message = messages.database_failing(streak, now)
            else:
                message = messages.database_recovered(state, state.recovered_at or now)
            return self._send(message)[0]

        return tell

    def _send(self, message: Message) -> tuple[bool, str | None]:
        """Whether any target accepted the message, and which ones did not."""
        deliveries = send(self._urls, messages.without_secrets(message, self._secrets))
        problems = [f"{delivery.target} {delivery.problem}" for delivery in deliveries if not delivery.accepted]
        return len(problems) < len(deliveries), "; ".join(problems) or None
