"""What a run of `sync whales` does for the rules: watch its new trades, and tell what there is to tell after it."""

from collections.abc import Callable
from datetime import datetime

from opinionscope.locations import read_environment
from opinionscope.notify.address_book import AddressBook
from opinionscope.signals.delivery import deliver_pending
from opinionscope.signals.digests import write_due_digests
from opinionscope.signals.watch import Watch
from opinionscope.store.database import Store, Transaction


def begin_watch(store: Store, transaction: Transaction, now: datetime) -> Watch:
    """The rules that are enabled when a run, which began at `now`, meets news, inside the transaction."""
    return Watch.begin(store, transaction, AddressBook.of(read_environment()).keys_of, now)


def tell(store: Store, clock: Callable[[], datetime]) -> None:
    """Write the digests that are due, and deliver what is pending. Raises StoreError."""
    book = AddressBook.of(read_environment())
    write_due_digests(store, book.keys_of, clock())
    deliver_pending(store, book, clock)
