"""The alert policy as a pure decision: what is due, and what to remember once it was sent."""

from datetime import UTC, datetime, timedelta

import pytest

from opinionscope.alerts.policy import RETRY_AFTER, Decision, News, Policy, after_sending, decide
from opinionscope.store.alert_states import AlertState
from opinionscope.store.run_history import Streak

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=10)
POLICY = Policy(after=3)
TOLD = AlertState(BEFORE, alerted_at=BEFORE)


def failures(count: int) -> Streak:
    return Streak(count, BEFORE, "failed", "no answer in time") if count else Streak()


@pytest.mark.parametrize(
    ("state", "count", "policy", "news"),
    [
        (None, 0, POLICY, News.NOTHING),
        (None, 2, POLICY, News.NOTHING),
        (None, 3, POLICY, News.FAILING),
        (None, 1, Policy(after=3, urgent=True), News.FAILING),
        (TOLD, 9, POLICY, News.NOTHING),
        (TOLD, 9, Policy(after=3, remind_after=timedelta(minutes=10)), News.FAILING),
        (TOLD, 9, Policy(after=3, remind_after=timedelta(minutes=11)), News.NOTHING),
        (TOLD, 0, POLICY, News.RECOVERED),
        (AlertState(BEFORE, refused_at=NOW - RETRY_AFTER / 2), 5, POLICY, News.NOTHING),
        (AlertState(BEFORE, refused_at=NOW - RETRY_AFTER), 5, POLICY, News.FAILING),
        (AlertState(BEFORE, refused_at=BEFORE), 0, POLICY, News.NOTHING),
    ],
)
def test_one_message_when_it_is_time_and_one_on_recovery(
    state: AlertState | None, count: int, policy: Policy, news: News
) -> None:
    assert decide(state, failures(count), policy, NOW).news is news


def test_an_accepted_alert_is_remembered_and_an_accepted_recovery_forgotten() -> None:
    failing = decide(None, failures(3), POLICY, NOW)
    assert after_sending(failing, NOW, accepted=True) == AlertState(BEFORE, alerted_at=NOW)

    recovered = decide(TOLD, failures(0), POLICY, NOW)
    assert after_sending(recovered, NOW, accepted=True) is None


def test_a_message_that_nobody_accepted_is_due_again_later() -> None:
    state = after_sending(decide(None, failures(3), POLICY, NOW), NOW, accepted=False)

    assert decide(state, failures(4), POLICY, NOW + RETRY_AFTER / 2).news is News.NOTHING
    assert decide(state, failures(4), POLICY, NOW + RETRY_AFTER).news is News.FAILING


def test_a_failure_before_the_recovery_got_through_continues_the_reported_outage() -> None:
    untold = after_sending(decide(TOLD, failures(0), POLICY, NOW), NOW, accepted=False)

    again = decide(untold, failures(1), POLICY, NOW + RETRY_AFTER)
    assert again.news is News.NOTHING
    assert again.outage is not None
    assert (again.outage.failing_since, again.outage.recovered_at) == (BEFORE, None)


def test_nothing_due_leaves_nothing_to_send() -> None:
    assert after_sending(Decision(News.NOTHING, TOLD), NOW, accepted=True) == TOLD
