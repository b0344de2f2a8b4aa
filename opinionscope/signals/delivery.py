"""Bringing pending signals to their targets, after a run and under a lock, so that no two processes tell the same.

Each target has its own thread, and its signals come one after the other: at most the one that was under way when the
process died can come twice, with the same `id` in it. A target that fails keeps no other one from its signals.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.locks import DELIVERY, beside, try_lock
from opinionscope.notify.address_book import AddressBook, program_of, variable_of
from opinionscope.notify.message import Delivery, Message
from opinionscope.notify.program_target import run_program
from opinionscope.notify.targets import SendingProcess
from opinionscope.signals.documents import Document, test_document
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
_FEWEST_ATTEMPTS = 5
_FAILURES_IN_A_ROW = 2
_MOMENT = 1.0


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
            _tell_at_once(Round(store, book, clock, process, begin_until, end), targets)


@dataclass(frozen=True)
class Round:
    """The deliveries of one run: none begins after `begin_until`, all are over at `end` (monotonic seconds)."""

    store: Store
    book: AddressBook
    clock: Callable[[], datetime]
    process: SendingProcess
    begin_until: float
    end: float

    def tell_all(self, target: str) -> None:
        """Tell a target what is due, until the time is over or it has failed twice in a row."""
        tried, failures = list[int](), 0
        while failures < _FAILURES_IN_A_ROW and time.monotonic() < self.begin_until:
            claimed = claim(self.store, target, self.clock(), tried)
            if claimed is None:
                return
            tried.append(claimed.signal_id)
            delivery = self._send(target, document_of(claimed))
            failures = 0 if delivery.accepted else failures + 1
            self._note(claimed, delivery.problem)

    def _send(self, target: str, document: Document) -> Delivery:
        address = self.book.address(target)
        if address is None:
            return Delivery(target, f"{variable_of(target)} is not set")
        try:
            message = message_of(document)
        except Exception as error:  # noqa: BLE001 - a signal that cannot be told must not keep others from being told
            return Delivery(target, f"could not be put into words: {type(error).__name__}")
        return _send_to(address, message, document, self.process, self.end)

    def _note(self, claimed: Claim, problem: str | None) -> None:
        now = self.clock()
        if problem is None:
            note_sent(self.store, claimed, now)
        else:
            note_failed(self.store, claimed, now, problem, due_again(claimed, now))


def send_test(book: AddressBook, keys: Sequence[str], message: Message, now: datetime) -> list[Delivery]:
    """Send a test message to targets that are set up, one delivery for each."""
    end = time.monotonic() + SECONDS
    with SendingProcess(end) as process, ThreadPoolExecutor(max_workers=len(keys) or 1) as pool:

        def send(key: str) -> Delivery:
            return _send_to(book.address(key) or "", message, test_document(now, key), process, end)

        return list(pool.map(send, keys))


def _send_to(address: str, message: Message, document: Document, process: SendingProcess, end: float) -> Delivery:
    program = program_of(address)
    if program is None:
        return process.send(address, message)
    return run_program(program, program_input(document, message), max(0.1, end - time.monotonic()))


def program_input(document: Document, message: Message) -> str:
    """What a program gets on its standard input: the document with its message, in ASCII, on one line."""
    return json.dumps(document | {"title": message.title, "text": message.body}) + "\n"


def document_of(claimed: Claim) -> Document:
    """The document of a signal, with what tells it from every other one."""
    document: Document = json.loads(claimed.document)
    return {"version": document["version"], "id": claimed.uid, "number": claimed.signal_id} | document


def due_again(claimed: Claim, now: datetime) -> datetime | None:
    """When a failed delivery is tried again: ever more seldom, for a day (None: no more).

    A machine that was off for that day gets some more attempts: its network may come up later than cron.
    """
    if claimed.attempts >= _FEWEST_ATTEMPTS and now - from_text(claimed.detected_at) >= RETRIED_FOR:
        return None
    return now + min(LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(claimed.attempts - 1, 10))


def _tell_at_once(round_: Round, targets: Sequence[str]) -> None:
    """Tell each target in a thread of its own. Raises what went wrong, but for what is wrong with a target."""
    failures = list[Exception]()

    def tell(target: str) -> None:
        try:
            round_.tell_all(target)
        except Exception as error:  # noqa: BLE001 - it is raised again, in the main thread
            failures.append(error)

    threads = [threading.Thread(target=tell, args=(target,), name=f"to {target}", daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, round_.end - time.monotonic()) + _MOMENT)
    if failures:
        raise failures[0]
