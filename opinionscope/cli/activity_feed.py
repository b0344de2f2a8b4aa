"""`activity --follow`: trades as they are stored, the newest at the bottom."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep

from opinionscope.cli.activity_table import Listed, feed_columns
from opinionscope.cli.listed_activity import find_listed, new_listed
from opinionscope.cli.output.documents import print_json_lines
from opinionscope.cli.output.tables import Table
from opinionscope.store.database import Store
from opinionscope.store.whale_activity import ActivityFilter, find_last_trade_id
from opinionscope.store.whales import find_names
from opinionscope.times import utc_now

_EVERY_SECONDS = 2.0
_HISTORY = timedelta(hours=1)


class Feed:
    """What `--follow` has printed so far, on a database that is opened anew for each look: it may be restored."""

    def __init__(self, database: Path, wanted: ActivityFilter, *, as_orders: bool, as_lines: bool) -> None:
        # A wallet that is newly tracked brings its whole history, which is no news.
        self._wanted = wanted if wanted.since else replace(wanted, since=utc_now() - _HISTORY)
        self._database, self._as_orders, self._as_lines = database, as_orders, as_lines
        self._last_id = 0
        self._table: Table | None = None

    def begin(self, wanted: ActivityFilter, limit: int) -> None:
        """Print what a listing without `--follow` shows, the newest at the bottom."""
        with Store.open_to_read(self._database) as store:
            self._last_id = find_last_trade_id(store)
            self._print(store, list(find_listed(store, wanted, limit, as_orders=self._as_orders)))

    def go_on(self) -> None:
        """Print what has been stored since the last look. Fills that were stored together can be one order."""
        with Store.open_to_read(self._database) as store:
            last_id = find_last_trade_id(store)
            if last_id > self._last_id:
                self._print(store, new_listed(store, self._wanted, self._last_id, as_orders=self._as_orders))
            self._last_id = last_id

    def _print(self, store: Store, newest_first: Sequence[Listed]) -> None:
        rows = newest_first[::-1]
        if self._as_lines:
            print_json_lines(row.as_document() for row in rows)
        elif rows:
            if self._table is None:
                self._table = Table(feed_columns(find_names(store), of_orders=self._as_orders))
            self._table.print_rows(rows)


def follow_activity(database: Path, wanted: ActivityFilter, limit: int, *, as_orders: bool, as_lines: bool) -> None:
    """Print the latest trades, then each new one as it is stored, until Ctrl-C: that is how it is meant to end."""
    feed = Feed(database, wanted, as_orders=as_orders, as_lines=as_lines)
    with suppress(KeyboardInterrupt):
        feed.begin(wanted, limit)
        while True:
            sleep(_EVERY_SECONDS)
            feed.go_on()
