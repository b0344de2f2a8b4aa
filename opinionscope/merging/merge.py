"""One merge: look at all sources, decide which wallet comes from which, bring each, then judge and tell the news."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from opinionscope.errors import OpinionscopeError, StoreError
from opinionscope.known_databases import is_missing, require_place
from opinionscope.locks import MERGE, beside, try_lock
from opinionscope.merging.bringing import bring
from opinionscope.merging.judging import judge_news
from opinionscope.merging.owners import Owners
from opinionscope.merging.ownership import settle_owners
from opinionscope.merging.sources import Seen, look_at, require_distinct, require_target
from opinionscope.store.anything_to_tell import may_have_to_tell
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import MergedDatabase, find_sources, note_unreadable, register_sources
from opinionscope.store.signals import purge_signals
from opinionscope.text import valid_text

_SIGNALS_AT_ONCE = 1_000

Progress = Callable[[str, int, int | None], None]
"""Called as trades are gone through: what is counted, how many are done, and out of how many (None if unknown)."""


@dataclass
class Merged:
    """What a merge did: how many sources were merged, how many new trades they brought, and each source's failure.

    `warnings` are what somebody should know although nothing failed.
    """

    sources: int = 0
    trades: int = 0
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def merge(
    target: Path,
    sources: Sequence[Path],
    *,
    log_retention: timedelta | None,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Merged | None:
    """Make `target` the union of the sources; None if another process is at it.

    What is wrong with a source keeps no other from being merged. Signals older than `log_retention` are deleted; none
    if it is None. Raises UsageError for paths that cannot be merged, and StoreError if `target` cannot be used.
    """
    require_distinct(target, sources)
    require_place(target)
    require_target(target)
    with try_lock(beside(target, MERGE)) as is_free:
        if not is_free:
            return None
        now = clock()
        found = {source: look_at(source, now) for source in sources}
        if is_missing(target) and not any(isinstance(each, Seen) for each in found.values()):
            # Nothing is made of nothing.
            return Merged(failures=[str(error) for error in found.values()])
        with Store.open(target) as store:
            merging = _Merging(store, now, progress)
            merging.bring_all(found)
            merging.judge()
            if log_retention is not None:
                _purge_signals(store, now - log_retention)
            _tell(store, clock)
        return merging.result


def _purge_signals(store: Store, older_than: datetime) -> None:
    while purge_signals(store, older_than, _SIGNALS_AT_ONCE) == _SIGNALS_AT_ONCE:
        pass


@dataclass
class _Merging:
    """A merge that began at `now`."""

    store: Store
    now: datetime
    progress: Progress
    result: Merged = field(default_factory=Merged)
    _gone_through: int = 0

    def bring_all(self, found: dict[Path, Seen | OpinionscopeError]) -> None:
        """Merge what was found of each source."""
        rows = self._register(list(found))
        owners = settle_owners(
            self.store, {rows[path].id: each for path, each in found.items() if isinstance(each, Seen)}, self.now
        )
        if owners.contested:
            self.result.warnings.append(_contest(owners))
        for path, each in found.items():
            try:
                self._bring(rows[path], each)
            except Exception as error:  # noqa: BLE001 - whatever one source meets, the others still have to be merged
                self._note_failure(rows[path], path, error)

    def judge(self) -> None:
        """Have the rules look at what has been brought. If that fails, the next merge tries again."""
        try:
            self.result.failures += judge_news(self.store, self.now)
        except Exception as error:  # noqa: BLE001 - what is pending still has to be told
            self.result.failures.append(_reason(error, "the rules could not be applied"))

    def _register(self, sources: Sequence[Path]) -> dict[Path, MergedDatabase]:
        """The rows of the sources, which are known by their real paths."""
        names = {source: valid_text(os.path.realpath(source)) for source in sources}
        with self.store.transaction() as transaction:
            register_sources(transaction, names.values())
        rows = {row.path: row for row in find_sources(self.store)}
        return {source: rows[name] for source, name in names.items()}

    def _bring(self, row: MergedDatabase, found: Seen | OpinionscopeError) -> None:
        if not isinstance(found, Seen):
            raise found
        self.result.trades += bring(self.store, row, found.path, found.looked, now=self.now, report=self._report)
        self.result.sources += 1

    def _report(self, trades: int) -> None:
        self._gone_through += trades
        self.progress("trades", self._gone_through, None)

    def _note_failure(self, row: MergedDatabase, path: Path, error: Exception) -> None:
        reason = _reason(error, f"{path} could not be merged")
        self.result.failures.append(reason)
        # If it is the merged database that fails, the line on standard error has to do.
        with suppress(StoreError):
            note_unreadable(self.store, row.id, reason)


def _reason(error: Exception, what: str) -> str:
    known = isinstance(error, OpinionscopeError)
    return str(error) if known else f"{what}: unexpected {type(error).__name__}: {error}."


def _contest(owners: Owners) -> str:
    number, example = len(owners.contested), min(owners.contested)
    wallets = f"wallet {example} is" if number == 1 else f"{number:,} wallets, such as {example}, are"
    return f"{wallets} polled by more than one database; taken from the one that polled last"


def _tell(store: Store, clock: Callable[[], datetime]) -> None:
    """Tell what is pending, of this merge or an earlier one."""
    if may_have_to_tell(store):
        from opinionscope.signals.live import tell

        tell(store, clock)
