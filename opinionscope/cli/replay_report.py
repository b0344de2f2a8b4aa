"""What a replay shows: how many messages a day, and which."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import Form, print_documents
from opinionscope.cli.output.formats import count, counted
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import write
from opinionscope.cli.signal_table import print_signals
from opinionscope.signals.replay import Replay
from opinionscope.store.database import Store
from opinionscope.store.rules import StoredRule
from opinionscope.store.signals import StoredSignal
from opinionscope.store.whales import find_names
from opinionscope.times import to_millis_text

_SHOWN = 50
_ONLY_STORED = ("uid", "rule_id", "attempts", "sent_at")
_NOTHING = "These rules would have told nothing."


def print_replay(
    store: Store, rules: Sequence[StoredRule], since: datetime, now: datetime, form: Form | None = None
) -> None:
    """Play the rules over what was first seen since then, and show what they would have told.

    Lines and CSV have the signals alone, a JSON document also how many there were each day.
    """
    signals = Replay(store, rules, since, now).signals()
    documents = [_document(signal) for signal in signals]
    if form == "json":
        moments = {"since": to_millis_text(since), "until": to_millis_text(now)}
        print_json(moments | {"days": _days(signals), "signals": documents})
    elif form:
        print_documents(form, [name for name in StoredSignal.document_names() if name not in _ONLY_STORED], documents)
    else:
        _print_tables(store, signals, now, nothing=_NOTHING if rules else "No rule is enabled.")


def _print_tables(store: Store, signals: Sequence[StoredSignal], now: datetime, *, nothing: str) -> None:
    columns = [
        Column("Day (UTC)", lambda day: day["day"]),
        Column("Rule", lambda day: day["rule"], flexible="cut", least=8),
        Column("Matched", lambda day: count(day["matched"]), right=True),
        Column("Messages", lambda day: count(day["messages"]), right=True),
        Column("Suppressed", lambda day: count(day["suppressed"]), right=True),
    ]
    print_table(columns, _days(signals), nothing=nothing)
    told = [signal for signal in signals if signal.state == "sent"]
    if told:
        write("\n")
        print_signals(told[-_SHOWN:][::-1], find_names(store), now, nothing="", is_replay=True)
    if len(told) > _SHOWN:
        print_notes([f"The last {_SHOWN} of {counted(len(told), 'message')}; use --jsonl to see all."])


def _days(signals: Sequence[StoredSignal]) -> list[dict[str, Any]]:
    matched, messages, suppressed = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for signal in signals:
        key = (f"{signal.detected_at:%Y-%m-%d}", signal.rule)
        matched[key] += signal.kind in ("order", "consensus")
        messages[key] += signal.state == "sent"
        suppressed[key] += signal.state == "suppressed"
    return [
        {
            "day": day,
            "rule": rule,
            "matched": matched[day, rule],
            "messages": messages[day, rule],
            "suppressed": suppressed[day, rule],
        }
        for day, rule in sorted(matched)
    ]


def _document(signal: StoredSignal) -> dict[str, Any]:
    """A signal as JSON, without what only a stored one has."""
    return {name: value for name, value in signal.as_document().items() if name not in _ONLY_STORED}
