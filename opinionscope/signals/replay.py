"""What rules would have told, from what is stored: the code that judges live, on an outbox that nobody reads.

A stored trade says in which run it was first seen, and the ids of trades follow the order in which pages were stored.
So the runs can be played again, page by page, with the positions and the trades that were known then. What is not kept
is taken as it is now: the wallets' names, tags, flags and records, how much of their histories is summed, and the
markets. Withdrawn trades are left out.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from opinionscope.signals.consensus_outbox import strength_of
from opinionscope.signals.digests import write_digest
from opinionscope.signals.evidence import News, sums_by_market, to_fill
from opinionscope.signals.folding import fold_excess
from opinionscope.signals.rules import Rule, digest_due
from opinionscope.signals.watch import Watch, may_be_member
from opinionscope.store.consensus_told import save_told
from opinionscope.store.database import Store, Transaction
from opinionscope.store.rules import StoredRule
from opinionscope.store.signal_deliveries import note_all_sent
from opinionscope.store.signal_evidence import (
    MarketFacts,
    StoredFill,
    WhaleFacts,
    find_fills_since,
    find_market_facts,
    find_sums_of_markets,
    find_whale_facts,
)
from opinionscope.store.signals import StoredSignal, find_signals
from opinionscope.times import from_text, to_millis_text, to_seconds_text
from opinionscope.track_record.consensus import Holding, find_consensus
from opinionscope.track_record.orders import Fill, Sides, totals_of, with_fill, without
from opinionscope.track_record.positions import figures_of

_TARGET = "replay"
_LOOK_BACK = timedelta(days=1)
"""How much further back trades are read: an order may have begun before, and a late fill may have come after."""
_EVERYTHING = 1_000_000


class Replay:
    """Rules played over the trades that were first seen from `since` to `now`."""

    def __init__(self, store: Store, rules: Sequence[StoredRule], since: datetime, now: datetime) -> None:
        self._since, self._now = since, now
        self._rules = [_as_it_was(rule, since) for rule in rules]
        with store.snapshot() as transaction:
            self._whales = find_whale_facts(transaction)
            addresses = _concerned([Rule.from_row(rule) for rule in rules], self._whales)
            fills = find_fills_since(transaction, to_seconds_text(since - _LOOK_BACK), addresses)
            self._known = Remembered(transaction, fills, since, self._whales)
        self._fills = [fill for fill in fills if fill.first_seen_at >= to_millis_text(since)]

    def signals(self) -> list[StoredSignal]:
        """What the rules would have told or kept, oldest first."""
        with _scratch() as scratch:
            with scratch.transaction() as outbox:
                self._insert_rules(outbox)
                self._play(outbox)
            return list(find_signals(scratch, limit=_EVERYTHING))[::-1]

    def _insert_rules(self, outbox: Transaction) -> None:
        for row in self._rules:
            rule = Rule.from_row(row)
            if rule.filters.consensus is not None:
                found = find_consensus(
                    [
                        each
                        for each in self._known.holdings(None)
                        if may_be_member(rule, self._whales, each.whale_address)
                    ],
                    min_whales=rule.filters.consensus,
                    min_exposure=rule.least_exposure,
                )
                save_told(outbox, [strength_of(rule.id, consensus) for consensus in found])

    def _play(self, outbox: Transaction) -> None:
        rules = [Rule.from_row(row) for row in self._rules]
        watch = Watch(rules, self._whales, lambda _: [_TARGET], self._now)
        digested = {row.id: self._since for row in self._rules if row.digest_at}
        for moment, run in groupby(self._fills, key=lambda fill: fill.first_seen_at):
            now = from_text(moment)
            for page in _pages(list(run)):
                self._known.learn(page)
                whale = self._whales.get(page[0].whale_address)
                if whale and whale.tracked and whale.history_read_at and whale.history_read_at < moment:
                    faults = watch.judge(self._known, outbox, whale.address, [News.of(fill) for fill in page], now)
                    for fault in faults.values():
                        raise fault
            self._write_digests(outbox, digested, now)
            _tell(outbox, now)
        self._write_digests(outbox, digested, self._now)
        _tell(outbox, self._now)

    def _write_digests(self, outbox: Transaction, digested: dict[int, datetime], now: datetime) -> None:
        for row in self._rules:
            if row.digest_at is None:
                continue
            due = digest_due(row.digest_at, now)
            if digested[row.id] < due:
                write_digest(outbox, row, [_TARGET], (digested[row.id], due), now)
                digested[row.id] = due


class Remembered:
    """Evidence as it was known at each moment of a replay: it learns the trades page by page."""

    def __init__(
        self,
        transaction: Transaction,
        fills: Sequence[StoredFill],
        since: datetime,
        whales: Mapping[str, WhaleFacts],
    ) -> None:
        later = [fill for fill in fills if fill.first_seen_at >= to_millis_text(since)]
        numbers = {fill.market_external_id for fill in later}
        self._whales = whales
        self._markets = find_market_facts(transaction, numbers)
        self._fills: dict[tuple[str, str], list[StoredFill]] = defaultdict(list)
        self._sums: dict[tuple[str, str], Sides] = defaultdict(dict)
        by_wallet = defaultdict(list)
        for row in find_sums_of_markets(transaction, numbers):
            by_wallet[row.whale_address].append(row)
        for address, rows in by_wallet.items():
            for number, sides in sums_by_market(rows).items():
                self._sums[address, number] = sides
        for key, group in _by_wallet_and_market(later).items():
            self._sums[key] = without(self._sums[key], map(to_fill, group))
        for key, group in _by_wallet_and_market(set(fills) - set(later)).items():
            self._fills[key] = group

    def learn(self, page: Sequence[StoredFill]) -> None:
        """Know the trades of a page, too."""
        for fill in page:
            key = (fill.whale_address, fill.market_external_id)
            insort(self._fills[key], fill, key=_moment)
            self._sums[key] = with_fill(self._sums[key], to_fill(fill))

    def fills(self, address: str, markets: Collection[str], since: int, until: int) -> list[StoredFill]:
        """A wallet's known fills in the markets from one unix second to another, oldest first."""
        known = [self._fills[address, number] for number in markets]
        found = [fill for fills in known for fill in fills[_place(fills, since) : _place(fills, until + 1)]]
        return sorted(found, key=_moment)

    def traded_after(self, address: str, markets: Collection[str], second: int) -> list[Fill]:
        """What a wallet is known to have traded in the markets after a unix second, by kind."""
        known = [self._fills[address, number] for number in markets]
        return totals_of(to_fill(fill) for fills in known for fill in fills[_place(fills, second + 1) :])

    def sums(self, address: str, markets: Collection[str]) -> dict[str, Sides]:
        """The sums of a wallet's positions."""
        return {number: self._sums[address, number] for number in markets}

    def holdings(self, markets: Collection[str] | None) -> list[Holding]:
        """What the tracked wallets hold open in the markets; None: in all that were traded in."""
        holdings = list[Holding]()
        for (address, number), sides in self._sums.items():
            whale = self._whales.get(address)
            if whale and _counts(whale) and (markets is None or number in markets):
                holdings += [
                    Holding(address, number, side, figures.exposure, figures.net_shares, whale.flagged)
                    for side, sums in sides.items()
                    if (figures := figures_of(sums, "undecided")).state == "open"
                ]
        return holdings

    def markets(self, markets: Collection[str]) -> dict[str, MarketFacts]:
        """The markets as they are known now."""
        return {number: self._markets[number] for number in markets if number in self._markets}


def _pages(run: Sequence[StoredFill]) -> Iterator[list[StoredFill]]:
    """The trades of a run by the page that they were stored with.

    A page is stored with its oldest trade first, and a wallet's next page is older: where time goes back, it begins.
    """
    page = list[StoredFill]()
    for fill in run:
        if page and (fill.whale_address != page[-1].whale_address or fill.second < page[-1].second):
            yield page
            page = []
        page.append(fill)
    if page:
        yield page


def _by_wallet_and_market(fills: Collection[StoredFill]) -> dict[tuple[str, str], list[StoredFill]]:
    groups: dict[tuple[str, str], list[StoredFill]] = defaultdict(list)
    for fill in sorted(fills, key=_moment):
        groups[fill.whale_address, fill.market_external_id].append(fill)
    return groups


def _moment(fill: StoredFill) -> tuple[int, int]:
    return fill.second, fill.id


def _place(fills: Sequence[StoredFill], second: int) -> int:
    """Where the fills since a unix second begin, in a list by time."""
    return bisect_left(fills, (second, 0), key=_moment)


def _concerned(rules: Sequence[Rule], whales: Mapping[str, WhaleFacts]) -> list[str] | None:
    """The wallets that the rules are about; None if any may be."""
    if any(rule.filters.consensus is not None or not (rule.filters.whales or rule.filters.tags) for rule in rules):
        return None
    return [address for address in whales if any(may_be_member(rule, whales, address) for rule in rules)]


def _counts(whale: WhaleFacts | None) -> bool:
    """Whether what the positions of a wallet say can be believed."""
    return whale is not None and whale.tracked and not whale.is_partial


def _as_it_was(rule: StoredRule, since: datetime) -> StoredRule:
    """The rule as if it had been active all the time, so that it can be tuned before it rings."""
    return replace(rule, active_since=min(rule.active_since, since), digested_until=since)


def _tell(outbox: Transaction, now: datetime) -> None:
    """Tell all that is pending, as a run does whose target accepts everything."""
    fold_excess(outbox, _TARGET, now)
    note_all_sent(outbox, now)


@contextmanager
def _scratch() -> Iterator[Store]:
    """An empty database that is thrown away."""
    with TemporaryDirectory(prefix="opinionscope-") as folder, Store.open(Path(folder) / "replay.db") as store:
        yield store
