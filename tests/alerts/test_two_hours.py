"""Two hours by the schedule, with three outages: three alerts, three recoveries, and a status that is always right."""

from datetime import timedelta

from opinionscope.health.report import Status, read_status
from opinionscope.job_table import JOB_NAMES
from opinionscope.jobs.cleanup import is_due
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from tests.alerts.conftest import START, Jobs, broken, partial, well
from tests.alerts.receiver import Receiver

OUTAGES = {"whales": (range(10, 20), range(80, 95)), "markets": (range(42, 62),)}


def due(minute: int) -> list[str]:
    """The jobs that cron starts at that minute, as the crontab has them."""
    hourly = {7: ["stats"], 23: ["cleanup"], 41: ["positions"]}.get(minute % 60, [])
    return ["whales", *(["markets"] if minute % 5 == 2 else []), *hourly]


def is_out(job: str, minute: int) -> bool:
    return any(minute in outage for outage in OUTAGES.get(job, ()))


def status_of(jobs: Jobs) -> Status:
    with Store.open(jobs.database) as store:
        return read_status(store, jobs.now, Settings.model_validate({}))


def run_what_is_due(jobs: Jobs, minute: int) -> None:
    for job in due(minute):
        if job == "cleanup":
            with Store.open(jobs.database) as store:
                if not is_due(store, jobs.now):
                    continue
        jobs.run((partial if job == "markets" else broken) if is_out(job, minute) else well, job, seconds=0.5)


def test_three_outages_bring_three_alerts_and_three_recoveries(alerted: Jobs, receiver: Receiver) -> None:
    failures = dict.fromkeys(JOB_NAMES, 0)
    for minute in range(120):
        alerted.now = START + timedelta(minutes=minute)
        run_what_is_due(alerted, minute)
        for job in due(minute):
            failures[job] = failures[job] + 1 if is_out(job, minute) else 0

        status = status_of(alerted)
        assert {job.job: job.failures_in_a_row for job in status.jobs} == failures
        if minute > 41:
            assert not any(job.overdue for job in status.jobs)
            assert status.healthy == (not any(failures.values()))

    assert receiver.titles == [
        "opinionscope: `sync whales` is failing",
        "opinionscope: `sync whales` has recovered",
        "opinionscope: `sync markets` is failing",
        "opinionscope: `sync markets` has recovered",
        "opinionscope: `sync whales` is failing",
        "opinionscope: `sync whales` has recovered",
    ]
    outages = [request.message.partition("outage of ")[2].partition(" (")[0] for request in receiver.received[1::2]]
    assert outages == ["10 min", "20 min", "15 min"]
    assert status_of(alerted).alerts.last_sent_at == START + timedelta(minutes=95, seconds=0.5)


def test_jobs_that_stop_are_overdue_one_after_the_other(jobs: Jobs) -> None:
    for minute in range(60):
        jobs.now = START + timedelta(minutes=minute)
        run_what_is_due(jobs, minute)
    last_minute = jobs.now

    def overdue_after(minutes: int) -> set[str]:
        jobs.now = last_minute + timedelta(minutes=minutes)
        return {job.job for job in status_of(jobs).jobs if job.overdue}

    assert overdue_after(4) == set()
    assert overdue_after(6) == {"whales"}
    assert overdue_after(14) == {"whales", "markets"}
    assert overdue_after(84) == {"whales", "markets", "stats"}
    assert overdue_after(25 * 60) == {"whales", "markets", "stats", "positions"}
    assert overdue_after(26 * 60) == set(JOB_NAMES)
