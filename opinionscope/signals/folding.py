"""Limits the messages of a rule at a time: the rest become one message that says how many there are, and which."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from opinionscope.signals.documents import Document, dumped, summary_document, summary_entry
from opinionscope.store.database import Transaction
from opinionscope.store.signal_deliveries import Waiting, find_waiting, fold
from opinionscope.store.signals import NewSignal, insert_signal, set_document
from opinionscope.times import to_millis_text

MOST_MESSAGES = 15


def fold_excess(transaction: Transaction, target: str, now: datetime) -> None:
    """Put what a target would be told of a rule beyond `MOST_MESSAGES` into one summary."""
    waiting = sorted(find_waiting(transaction, target, now), key=lambda each: (each.rule_id, each.signal_id))
    for _, group in groupby(waiting, key=lambda each: each.rule_id):
        of_rule = list(group)
        single = [each for each in of_rule if each.kind in ("order", "consensus")]
        excess = single[MOST_MESSAGES:]
        if excess:
            summaries = [each for each in of_rule if each.kind == "summary" and not each.attempts]
            _fold(transaction, target, excess, summaries[-1] if summaries else None, now)


def _fold(
    transaction: Transaction, target: str, excess: Sequence[Waiting], summary: Waiting | None, now: datetime
) -> None:
    rule_id, rule = excess[0].rule_id, excess[0].rule
    entries = [summary_entry(each.signal_id, json.loads(each.document)) for each in excess]
    before: Document = json.loads(summary.document) if summary else {"entries": [], "count": 0, "amount": 0.0}
    amount = before["amount"] + sum(entry["amount"] or 0.0 for entry in entries)
    document = summary_document(rule, [*before["entries"], *entries], before["count"] + len(entries), amount, now)
    text = dumped(document)
    if summary is None:
        new = NewSignal(rule_id, rule, "summary", to_millis_text(now), "pending", text, amount=amount)
        signal_id = insert_signal(transaction, new, [target])
    else:
        signal_id = summary.signal_id
        set_document(transaction, signal_id, text, amount)
    reason = f"more than {MOST_MESSAGES} at once; told in signal {signal_id}"
    fold(transaction, [each.signal_id for each in excess], target, signal_id, reason)
