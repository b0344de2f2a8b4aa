"""When to send what: one message after several failures in a row, silence, and one more on recovery.

Pure: `decide` says what is due, the caller sends it, and `after_sending` says what to remember.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from opinionscope.store.alert_states import AlertState
from opinionscope.store.run_history import Streak

RETRY_AFTER = timedelta(minutes=5)
"""How long to leave the targets alone after none of them accepted a message."""


class News(Enum):
    """What is due to be said."""

    NOTHING = auto()
    FAILING = auto()
    RECOVERED = auto()


@dataclass(frozen=True)
class Policy:
    """Speak after `after` failures in a row, at once if `urgent`, and again every `remind_after`."""

    after: int
    urgent: bool = False
    remind_after: timedelta | None = None


@dataclass(frozen=True)
class Decision:
    """What is due to be said, about which outage, and what to remember if nothing is (None: nothing)."""

    news: News
    outage: AlertState | None


def decide(state: AlertState | None, streak: Streak, policy: Policy, now: datetime) -> Decision:
    """What is due. `state` is what was said before, `streak` the failures up to now.

    A failure before the news of a recovery got through continues the outage that was reported.
    """
    was_told = state is not None and state.alerted_at is not None
    if not streak.count:
        if state is None or not was_told:
            return Decision(News.NOTHING, None)
        recovered = replace(state, recovered_at=state.recovered_at or now)
        return Decision(News.NOTHING if _is_resting(state, now) else News.RECOVERED, recovered)
    if state is None or not was_told:
        outage = AlertState(streak.since or now, refused_at=state.refused_at if state else None)
    else:
        outage = replace(state, recovered_at=None)
    if _is_due(outage, streak, policy, now) and not _is_resting(outage, now):
        return Decision(News.FAILING, outage)
    return Decision(News.NOTHING, outage if outage.alerted_at or outage.refused_at else None)


def after_sending(decision: Decision, now: datetime, *, accepted: bool) -> AlertState | None:
    """What to remember (None: nothing). What nobody accepted is tried again later."""
    if decision.outage is None or decision.news is News.NOTHING:
        return decision.outage
    if not accepted:
        return replace(decision.outage, refused_at=now)
    return replace(decision.outage, alerted_at=now, refused_at=None) if decision.news is News.FAILING else None


def _is_resting(state: AlertState, now: datetime) -> bool:
    return state.refused_at is not None and timedelta(0) <= now - state.refused_at < RETRY_AFTER


def _is_due(outage: AlertState, streak: Streak, policy: Policy, now: datetime) -> bool:
    if outage.alerted_at is None:
        return policy.urgent or streak.count >= policy.after
    # An alert that is dated later than now was sent when the clock was ahead.
    return policy.remind_after is not None and not timedelta(0) <= now - outage.alerted_at < policy.remind_after
