"""What a run's new trades mean to the enabled rules. Written in the transaction that stores the trades.

Only news is told: trades made after the rule became active and after the wallet was first tracked. An order is judged
as a whole, from the stored trades, whenever one of its fills is new: it may reach the least amount of a rule only with
a later fill, and its fills may come in any order.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby

from opinionscope.signals.consensus_outbox import ConsensusOutbox
from opinionscope.signals.evidence import Evidence, News, StoredEvidence, to_fill
from opinionscope.signals.matching import Move, market_mismatch, mismatch
from opinionscope.signals.outbox import Outbox
from opinionscope.signals.rules import Rule
from opinionscope.store.database import Store, Transaction, savepoint
from opinionscope.store.failures import primary_code
from opinionscope.store.rules import find_enabled_rules, find_enabled_since
from opinionscope.store.signal_evidence import MarketFacts, StoredFill, WhaleFacts, find_whale_facts
from opinionscope.store.whale_activity import NewTrade
from opinionscope.times import from_unix
from opinionscope.track_record.consensus import find_consensus
from opinionscope.track_record.orders import LONGEST, Fill, Order, Sides, change_of, group_orders, reach_of, without

Recipients = Callable[[Sequence[str]], list[str]]
"""The addresses that stand behind the names of targets, as keys that tell nothing of them."""

Faults = dict[str, Exception]
"""What was unexpected about rules, by their names."""

logger = logging.getLogger(__name__)


class Watch:
    """The enabled rules in one run, which began at `now`."""

    def __init__(
        self, rules: Sequence[Rule], whales: Mapping[str, WhaleFacts], recipients: Recipients, now: datetime
    ) -> None:
        self._order_rules = [rule for rule in rules if rule.filters.consensus is None]
        self._consensus_rules = [rule for rule in rules if rule.filters.consensus is not None]
        self._whales = whales
        self._recipients = {rule.id: recipients(rule.targets) for rule in rules}
        self._now = now

    @classmethod
    def begin(cls, store: Store, transaction: Transaction, recipients: Recipients, now: datetime) -> "Watch":
        """The enabled rules and the wallets, as they are inside the transaction."""
        rules = [Rule.from_row(row) for row in find_enabled_rules(store)]
        return cls(rules, find_whale_facts(transaction), recipients, now)

    def is_current(self, transaction: Transaction) -> bool:
        """Whether the same rules are still enabled: somebody may remove one, or add one, while the run goes on."""
        rules = [*self._order_rules, *self._consensus_rules]
        return {rule.id: rule.news_from for rule in rules} == find_enabled_since(transaction)

    def saw(self, transaction: Transaction, address: str, trades: Sequence[NewTrade]) -> Faults:
        """Raise the signals that a wallet's newly stored trades make. What is wrong with a rule concerns no other."""
        evidence = StoredEvidence(transaction, self._whales)
        return self.judge(evidence, transaction, address, [News.of(trade) for trade in trades], self._now)

    def judge(
        self, evidence: Evidence, outbox: Transaction, address: str, news: Sequence[News], now: datetime
    ) -> Faults:
        """Write to the outbox what the news of a wallet means, judged by the evidence. A faulty rule writes nothing."""
        whale, faults = self._whales.get(address), Faults()
        if whale is None:
            return faults
        news = [each for each in news if from_unix(each.second) >= whale.tracked_since]
        rules = [rule for rule in self._order_rules if _may_match(rule, whale)]
        numbers = {each.market_external_id for each in news}
        if not news or not (rules or self._consensus_rules):
            return faults
        markets = evidence.markets(numbers)
        fills = _fills_around(evidence, address, news)
        if rules:
            self._judge_orders(rules, _moves(evidence, whale, fills, news, markets), outbox, now, faults)
        names = {fill.market_external_id: fill for fill in fills}
        for rule in self._consensus_rules:
            with _by_itself(rule, outbox, faults):
                since = [each for each in news if from_unix(each.second) >= rule.news_from]
                wanted = {
                    number: names[number].market_title
                    for number in {each.market_external_id for each in since}
                    if _market_matches(rule, names[number], markets.get(number))
                }
                self._judge_consensus(rule, evidence, ConsensusOutbox(outbox, now), wanted, markets)
        return faults

    def _judge_orders(
        self,
        rules: Sequence[Rule],
        moves: Sequence[tuple[Move, int]],
        outbox: Transaction,
        now: datetime,
        faults: Faults,
    ) -> None:
        box = Outbox(outbox, [move for move, _ in moves], rules, now)
        for rule in rules:
            with _by_itself(rule, outbox, faults):
                for move, newest in moves:
                    if from_unix(newest) >= rule.news_from:
                        box.take(rule, move, mismatch(rule.filters, move), self._recipients[rule.id])

    def _judge_consensus(
        self,
        rule: Rule,
        evidence: Evidence,
        box: ConsensusOutbox,
        titles: Mapping[str, str | None],
        markets: Mapping[str, MarketFacts],
    ) -> None:
        """Judge the markets that are named in `titles`."""
        holdings = evidence.holdings(titles.keys()) if titles else []
        members = [each for each in holdings if may_be_member(rule, self._whales, each.whale_address)]
        least = rule.filters.consensus or 1
        standing = find_consensus(members, min_whales=least, min_exposure=rule.least_exposure)
        box.forget_dissolved(rule, titles.keys(), standing)
        for consensus in standing:
            number = consensus.market_external_id
            box.tell(
                rule,
                consensus,
                self._recipients[rule.id],
                whales=self._whales,
                market=markets.get(number),
                title=titles[number],
            )


@contextmanager
def _by_itself(rule: Rule, outbox: Transaction, faults: Faults) -> Iterator[None]:
    """Do the work of one rule. A fault in it is noted and its work undone; a failing database is raised instead."""
    try:
        with savepoint(outbox):
            yield
    except Exception as error:
        if primary_code(error):
            raise
        logger.debug("rule %s failed", rule.name, exc_info=True)
        faults[rule.name] = error


def may_be_member(rule: Rule, whales: Mapping[str, WhaleFacts], address: str) -> bool:
    """Whether the wallet counts for the consensus of a rule."""
    whale = whales.get(address)
    return whale is not None and _may_match(rule, whale)


def _may_match(rule: Rule, whale: WhaleFacts) -> bool:
    filters = rule.filters
    if filters.whales and whale.address not in filters.whales:
        return False
    return not filters.tags or bool(set(filters.tags) & set(whale.tags))


def _market_matches(rule: Rule, fill: StoredFill, market: MarketFacts | None) -> bool:
    number, title, root = fill.market_external_id, fill.market_title, fill.root_market_external_id
    return market_mismatch(rule.filters, number, market, title, root) is None


def _fills_around(evidence: Evidence, address: str, news: Sequence[News]) -> list[StoredFill]:
    """The wallet's fills in the markets of the news: all of each order that has news, and what shows its limits."""
    markets, seconds = {each.market_external_id for each in news}, [each.second for each in news]
    return evidence.fills(address, markets, reach_of(min(seconds)), max(seconds) + LONGEST)


def _moves(
    evidence: Evidence,
    whale: WhaleFacts,
    stored: Sequence[StoredFill],
    news: Sequence[News],
    markets: Mapping[str, MarketFacts],
) -> list[tuple[Move, int]]:
    """The orders with news, and when the newest of it was made (unix seconds)."""
    keys = set(news)
    new = {fill.id for fill in stored if News.of(fill) in keys}
    names = {fill.market_external_id: fill for fill in stored}
    markets_of_news = {each.market_external_id for each in news}
    sums = evidence.sums(whale.address, markets_of_news)
    later = evidence.traded_after(whale.address, markets_of_news, max(each.second for each in news) + LONGEST)
    moves = list[tuple[Move, int]]()
    by_market = groupby(sorted(map(to_fill, stored), key=_market_of), key=_market_of)
    for number, group in by_market:
        fills = list(group)
        later_here = [fill for fill in later if fill.market_external_id == number]
        for order in group_orders(fills):
            if not order.fill_ids & new:
                continue
            newest = max(fill.second for fill in order.fills if fill.id in new)
            before, after = _around(order, [*fills, *later_here], sums.get(number, {}))
            change = None if whale.is_partial else change_of(order.action, order.outcome_side, before, after)
            name = names[number]
            title, root = name.market_title, name.root_market_external_id
            moves.append((Move(order, change, before, after, whale, markets.get(number), title, root), newest))
    return sorted(moves, key=lambda each: each[0].order.fills[0].moment)


def _market_of(fill: Fill) -> str:
    return fill.market_external_id


def _around(order: Order, fills: Collection[Fill], sums: Sides) -> tuple[Sides, Sides]:
    """The sums of the market before and after the order: those of now without what came later."""
    last = order.fills[-1].moment
    after = without(sums, (fill for fill in fills if fill.moment > last))
    return without(after, order.fills), after
