"""Digests: one message a day of what a rule matched, written when its time of day has come."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from opinionscope.signals.documents import digest_document, dumped
from opinionscope.signals.outbox import FOR_THE_DIGEST
from opinionscope.signals.rules import Rule, digest_due
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rules import StoredRule, find_enabled_rules, note_digest
from opinionscope.store.signals import NewSignal, find_for_digest, insert_signal, note_told_in
from opinionscope.times import to_millis_text


def write_due_digests(store: Store, recipients: Callable[[Sequence[str]], list[str]], now: datetime) -> None:
    """Write the digest of each rule whose time has come. A day without orders has none."""
    for row in find_enabled_rules(store):
        if row.digest_at is None:
            continue
        due = digest_due(row.digest_at, now)
        last = row.digested_until or row.created_at
        # A digest from later than now was written while the clock was ahead.
        if last < due or last > now:
            with store.transaction() as transaction:
                write_digest(transaction, row, recipients(row.targets), (last, due), now)


def write_digest(
    transaction: Transaction, row: StoredRule, recipients: Sequence[str], span: tuple[datetime, datetime], now: datetime
) -> None:
    """Put the orders that a rule has kept in a span of time into one signal."""
    since, until = span
    orders = find_for_digest(transaction, row.id, FOR_THE_DIGEST, until)
    if orders:
        documents = [json.loads(order.document) for order in orders]
        document = digest_document(Rule.from_row(row), documents, since, until)
        signal = NewSignal(row.id, row.name, "digest", to_millis_text(now), "pending", dumped(document))
        signal_id = insert_signal(transaction, signal, recipients)
        note_told_in(transaction, [order.id for order in orders], signal_id)
    note_digest(transaction, row.id, until)
