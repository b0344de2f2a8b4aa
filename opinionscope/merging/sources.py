"""Looking at the sources of a merge, and at its target, before anything is written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opinionscope.errors import OpinionscopeError, StoreError, UsageError
from opinionscope.health.rules import judge
from opinionscope.job_table import JOBS
from opinionscope.known_databases import is_missing
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import Looked, has_own_content, is_merged
from opinionscope.store.merged_wallets import ListedWallet, find_left_to_others, find_polled
from opinionscope.store.run_history import read_history
from opinionscope.store.shards import find_shard


@dataclass(frozen=True)
class Seen:
    """A source as it was found: how its jobs do, and its wallets."""

    path: Path
    looked: Looked
    polled: Sequence[ListedWallet]
    left_to_others: set[str]


def require_distinct(target: Path, sources: Sequence[Path]) -> None:
    """Raise UsageError if two of the paths lead to the same file, whatever links they go through."""
    seen = {_identity(target): target}
    for source in sources:
        other = seen.setdefault(_identity(source), source)
        if other is target:
            raise UsageError(f"{source} is both TARGET and SOURCE; choose another file for TARGET.")
        if other is not source:
            raise UsageError(f"{source} and {other} are the same database; name each SOURCE once.")


def _identity(path: Path) -> object:
    try:
        file = path.stat()
    except OSError:
        return os.path.realpath(path)
    return file.st_dev, file.st_ino


def require_target(target: Path) -> None:
    """Raise UsageError if the database is one that jobs work on, or that wallets were added to."""
    if is_missing(target):
        return
    with Store.open_to_read(target) as store:
        if not is_merged(store) and has_own_content(store):
            raise UsageError(f"{target} is not a merged database; for TARGET, choose a file that does not exist yet.")


def look_at(path: Path, now: datetime) -> Seen | OpinionscopeError:
    """A source, or why it cannot be merged. It is left as it is; only one of an earlier release is upgraded."""
    try:
        return _look_at(path, now)
    except OpinionscopeError as error:
        return error
    except OSError as error:
        return StoreError(f"{path} cannot be read ({error.strerror}); check its permissions.")


def _look_at(path: Path, now: datetime) -> Seen:
    if is_missing(path):
        raise StoreError(f"{path} does not exist; expected the database of a shard.")
    if path.is_file() and not path.stat().st_size:
        raise StoreError(f"{path} is empty; expected the database of a shard.")
    with Store.open_to_read(path) as store:
        if is_merged(store):
            raise StoreError(f"{path} is a merged database; name the databases it is made of.")
        health = [judge(read_history(store, job, now), now) for job in JOBS]
        problems = [job.summary or job.job for job in health if not job.healthy]
        return Seen(path, Looked(find_shard(store), problems), find_polled(store), find_left_to_others(store))
