"""Alerts about a job that keeps failing, and about a database that cannot be used."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from opinionscope.alerts import messages
from opinionscope.alerts.outage_file import Outage, count_failure, outage_files_of, writable_outage_file
from opinionscope.alerts.policy import Decision, News, Policy, after_sending, decide
from opinionscope.errors import ConfigurationError, StoreError
from opinionscope.job_table import Job
from opinionscope.notify.message import Message
from opinionscope.notify.targets import send, split_urls
from opinionscope.store.alert_states import AlertState, find_alert_state, save_alert_state
from opinionscope.store.database import Store
from opinionscope.store.deliveries import record_delivery
from opinionscope.store.run_history import Streak, read_streak

DATABASE_REMINDER = timedelta(hours=6)


class JobAlerts:
    """Tells the alert targets when a job keeps failing, and when it has recovered.

    `urls` is the setting, `after` the number of failures in a row that it takes; `secrets` are never sent.
    """

    def __init__(
        self,
        *,
        job: Job,
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
        """Send what the log says is due. `urgent`: at the first failure. `at_the_end`: the database lasted the run."""
        now = self._clock()
        try:
            self._review_job(store, Policy(self._after, urgent), now)
        except StoreError as error:
            self.store_failed(error)
            return
        if at_the_end:
            self._store_works(now)

    def store_failed(self, error: StoreError) -> None:
        """A run failed because of the database: report it when it is time."""
        now = self._clock()
        with writable_outage_file(self._database) as file:
            outage = count_failure(file.read() if file else Outage(), str(error), now)
            # Written before anything is sent: what is not remembered would be sent every minute.
            if file:
                file.write(outage)
            urgent = isinstance(error, ConfigurationError)
            policy = Policy(self._after, urgent, remind_after=DATABASE_REMINDER)
            decision = decide(outage.state, outage.streak, policy, now)
            state = self._tell_of_database(decision, outage.streak, now)
            if file:
                file.write(Outage(outage.streak, state))

    def _store_works(self, now: datetime) -> None:
        """A run found the database usable: report the recovery, if the failure was reported."""
        for file in outage_files_of(self._database):
            with file:
                decision = decide(file.read().state, Streak(), Policy(self._after), now)
                state = self._tell_of_database(decision, Streak(), now)
                if state is None:
                    file.remove()
                else:
                    file.write(Outage(state=state))

    def _review_job(self, store: Store, policy: Policy, now: datetime) -> None:
        before, streak = find_alert_state(store, self._job.name), read_streak(store, self._job)
        decision = decide(before, streak, policy, now)
        after = decision.outage
        if decision.news is not News.NOTHING and after is not None:
            if decision.news is News.FAILING:
                message = messages.job_failing(self._job, streak, now)
            else:
                message = messages.job_recovered(self._job, after, after.recovered_at or now)
            accepted, problems = self._send(message)
            record_delivery(store, "alert", now, sent=accepted, error=problems)
            after = after_sending(decision, now, accepted=accepted)
        if after != before:
            save_alert_state(store, self._job.name, after)

    def _tell_of_database(self, decision: Decision, streak: Streak, now: datetime) -> AlertState | None:
        outage = decision.outage
        if decision.news is News.NOTHING or outage is None:
            return outage
        if decision.news is News.FAILING:
            message = messages.database_failing(streak, now)
        else:
            message = messages.database_recovered(outage, outage.recovered_at or now)
        return after_sending(decision, now, accepted=self._send(message)[0])

    def _send(self, message: Message) -> tuple[bool, str | None]:
        """Whether any target accepted the message, and what went wrong with the others."""
        deliveries = send(self._urls, messages.without_secrets(message, self._secrets))
        problems = [f"{delivery.target} {delivery.problem}" for delivery in deliveries if not delivery.accepted]
        return len(problems) < len(deliveries), "; ".join(problems) or None
