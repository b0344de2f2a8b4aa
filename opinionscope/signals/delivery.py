"""Bringing pending signals to their targets, after a run and under a lock, so that no two processes tell the same.

Each target has its own thread, and its signals come one after the other: at most the one that was under way when the
process died can come twice, with the same id in it. A target that fails keeps no other one from its signals.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from opinionscope.locks import DELIVERY, beside, try_lock
from opinionscope.notify.address_book import AddressBook, program_of, variable_of
from opinionscope.notify.message import Delivery
from opinionscope.notify.program_target import run_program
from opinionscope.notify.targets import SendingProcess
from opinionscope.signals.documents import Document
from opinionscope.signals.folding import fold_excess
from opinionscope.signals.messages import message_of
from opinionscope.store.database import Store
from opinionscope.store.signal_deliveries import (
    LONGEST_WAIT,
    Claim,
    claim,
    find_due_targets,
    note_failed,
    note_sent,
)
from opinionscope.times import from_text

SECONDS = 12.0
"""How long all deliveries of a run may hold it up."""
RETRIED_FOR = timedelta(days=1)
_BEGIN_FOR = 8.0
_FIRST_WAIT = timedelta(minutes=1)
_FAILURES_IN_A_ROW = 2


def deliver_pending(store: Store, book: AddressBook, clock: Callable[[], datetime], seconds: float = SECONDS) -> None:
    """Tell what is due, within `seconds`. Does nothing if another process is at it. Raises StoreError."""
    end = time.monotonic() + seconds
    with try_lock(beside(store.path, DELIVERY)) as is_free:
        targets = find_due_targets(store, clock()) if is_free else []
        if not targets:
            return
        for target in targets:
            with store.transaction() as transaction:
                fold_excess(transaction, target, clock())
        begin_until = end - seconds + min(_BEGIN_FOR, seconds * 2 / 3)
        with SendingProcess(end) as process:
            _tell_at_once([Teller(store, book, clock, process, target, begin_until, end) for target in targets], end)


class Teller:
    """Tells one target, one signal after the other. What it raises is in `failure`."""

    def __init__(
        self,
        store: Store,
        book: AddressBook,
        clock: Callable[[], datetime],
        process: SendingProcess,
        target: str,
        begin_until: float,
        end: float,
    ) -> None:
        self.target = target
        self.failure: Exception | None = None
        self._store = store
        self._address = book.address(target)
        self._clock = clock
        self._process = process
        self._begin_until = begin_until
        self._end = end

    def run(self) -> None:
        """Tell what is due, until the time is over or the target has failed twice in a row."""
        try:
            self._tell_all()
        except Exception as error:  # noqa: BLE001 - it is raised again, in the main thread
            self.failure = error

    def _tell_all(self) -> None:
        tried, failures = list[int](), 0
        while failures < _FAILURES_IN_A_ROW and time.monotonic() < self._begin_until:
            claimed = claim(self._store, self.target, self._clock(), tried)
            if claimed is None:
                return
            tried.append(claimed.signal_id)
            delivery = self._send(document_of(claimed))
            failures = 0 if delivery.accepted else failures + 1
            self._note(claimed, delivery.problem)

    def _send(self, document: Document) -> Delivery:
        if self._address is None:
            return Delivery(self.target, f"{variable_of(self.target)} is not set")
        message, program = message_of(document), program_of(self._address)
        if program is None:
            return self._process.send(self._address, message)
        whole = json.dumps(document | {"title": message.title, "text": message.body}, ensure_ascii=True)
        return run_program(program, f"{whole}\n", max(0.1, self._end - time.monotonic()))

    def _note(self, claimed: Claim, problem: str | None) -> None:
        now = self._clock()
        if problem is None:
            note_sent(self._store, claimed, now)
        else:
            note_failed(self._store, claimed, now, problem, due_again(claimed, now))


def document_of(claimed: Claim) -> Document:
    """The document of a signal, with its id."""
    document: Document = json.loads(claimed.document)
    return {"version": document["version"], "id": claimed.signal_id} | document


def due_again(claimed: Claim, now: datetime) -> datetime | None:
    """When a failed delivery is tried again: ever more seldom, for a day (None: no more)."""
    if now - from_text(claimed.detected_at) >= RETRIED_FOR:
        return None
    return now + min(LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(claimed.attempts - 1, 10))


def _tell_at_once(tellers: Sequence[Teller], end: float) -> None:
    threads = [threading.Thread(target=teller.run, name=f"telling {teller.target}", daemon=True) for teller in tellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()) + 1)
    for teller in tellers:
        if teller.failure is not None:
            raise teller.failure
