"""When to say what: one message after so many failures in a row, silence, and one more when it works again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from opinionscope.store.alerts import AlertState
from opinionscope.store.health import Streak

RETRY_AFTER = timedelta(minutes=5)
"""How long to leave the targets alone after none of them accepted a message."""


class Step(Enum):
    """What is due to be said."""

    NOTHING = auto()
    FAILING = auto()
    RECOVERED = auto()


@dataclass(frozen=True)
class Policy:
    """`after` failures in a row it is time to speak, at once if `urgent`, and again each `remind_after`."""

    after: int
    urgent: bool = False
    remind_after: timedelta | None = None


Tell = Callable[[Step, AlertState, Streak], bool]
"""Says what is due; whether at least one target accepted it."""


def next_step(state: AlertState | None, streak: Streak, policy: Policy, now: datetime) -> Step:
    """What is due to be said. `state` is what was said before, `streak` the failures up to now."""
    if state and state.refused_at and timedelta(0) <= now - state.refused_at < RETRY_AFTER:
        return Step.NOTHING
    told = state.alerted_at if state else None
    if not streak.count:
        return Step.RECOVERED if told else Step.NOTHING
    if told:
        reminder_due = policy.remind_after is not None and now - told >= policy.remind_after
        return Step.FAILING if reminder_due else Step.NOTHING
    return Step.FAILING if policy.urgent or streak.count >= policy.after else Step.NOTHING


def advance(state: AlertState | None, streak: Streak, policy: Policy, now: datetime, tell: Tell) -> AlertState | None:
    """Say what is due, and return what is to be remembered (None: nothing).

    What nobody accepted is tried again later. A failure before the news of a recovery got through continues the
    outage that was told of.
    """
    step = next_step(state, streak, policy, now)
    if not streak.count:
        return _recover(state, step, now, tell)
    if state is None or state.alerted_at is None:
        state = AlertState(streak.since or now, refused_at=state.refused_at if state else None)
    state = replace(state, recovered_at=None)
    if step is Step.NOTHING:
        return state if state.alerted_at or state.refused_at else None
    if tell(step, state, streak):
        return replace(state, alerted_at=now, refused_at=None)
    return replace(state, refused_at=now)


def _recover(state: AlertState | None, step: Step, now: datetime, tell: Tell) -> AlertState | None:
    if state is None or state.alerted_at is None:
        return None
    state = replace(state, recovered_at=state.recovered_at or now)
    if step is Step.NOTHING:
        return state
    return None if tell(step, state, Streak()) else replace(state, refused_at=now)
