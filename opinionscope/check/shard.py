"""The check of the shard. Without the setting there is nothing to find."""

from collections.abc import Iterator
from pathlib import Path

from opinionscope.check.finding import Finding, ok
from opinionscope.known_databases import is_missing
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from opinionscope.store.shards import count_elsewhere, count_tracked_here, find_shard


def check_shard(settings: Settings, database: Path) -> Iterator[Finding]:
    """Which part of the wallets this installation polls."""
    if settings.shard is None:
        return
    assigned, here, elsewhere = None, 0, 0
    if not is_missing(database):
        with Store.open_to_read(database) as store:
            assigned, here, elsewhere = find_shard(store), count_tracked_here(store), count_elsewhere(store)
    if assigned == settings.shard:
        yield ok("shard", f"{settings.shard}: polls {here:,} of {here + elsewhere:,} tracked wallets")
    else:
        yield ok("shard", f"{settings.shard}, from the next run on")
