"""All that is known of one wallet: its facts and figures, what it holds, and how it has done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opinionscope.cli.delays import every, measured, span
from opinionscope.cli.output.formats import age, count, day, gain, moment, money, percent, signed
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.styles import gain_style
from opinionscope.cli.output.tables import Fact, print_facts, print_heading
from opinionscope.cli.position_table import print_positions
from opinionscope.cli.question_tables import print_months, print_questions
from opinionscope.cli.whale_table import NO_TRADES, completeness_style, roi, win_rates
from opinionscope.health.delay import Delay, judge_delay
from opinionscope.health.polling import read_polling
from opinionscope.polling.limits import Limits
from opinionscope.shards import Shard
from opinionscope.store.database import Store
from opinionscope.store.delays import find_delays
from opinionscope.store.merged_databases import is_merged
from opinionscope.store.position_figures import Position, find_positions
from opinionscope.store.shards import find_shard
from opinionscope.store.whale_questions import (
    MonthlyProfit,
    Question,
    find_questions,
    find_void_cost,
    profit_by_month,
)
from opinionscope.store.whales import Whale

_QUESTIONS = 3
_POSITIONS = 5
_MONTHS = 12


@dataclass(frozen=True)
class WhalePage:
    """What is shown of a wallet. Of one whose net profit is withheld there are no questions, months and void cost.

    `poll_every_seconds` is the planned time between two polls, None for a wallet that is not polled here. `shard` is
    this installation's, if it is one.
    """

    whale: Whale
    open_positions: Sequence[Position]
    best_questions: Sequence[Question]
    worst_questions: Sequence[Question]
    profit_by_month: Sequence[MonthlyProfit]
    void_cost: float | None
    delay: Delay
    poll_every_seconds: int | None
    shard: Shard | None

    @property
    def polled_by(self) -> Shard | None:
        """The shard that polls the wallet; None without shards, and for a removed wallet."""
        return self.shard.owner_of(self.whale.address) if self.shard and self.whale.enabled else None

    def as_document(self) -> dict[str, Any]:
        """The wallet's own fields, and beside them the lists."""
        lists = {
            "open_positions": self.open_positions,
            "best_questions": self.best_questions,
            "worst_questions": self.worst_questions,
            "profit_by_month": self.profit_by_month,
        }
        documents = {name: [row.as_document() for row in rows] for name, rows in lists.items()}
        polling = {
            "delay": self.delay.as_document(),
            "poll_every_seconds": self.poll_every_seconds,
            "polled_by_shard": None if self.polled_by is None else str(self.polled_by),
        }
        return self.whale.as_document() | {"void_cost": self.void_cost} | polling | documents


def read_page(store: Store, whale: Whale, now: datetime, limits: Limits) -> WhalePage:
    """The page of a wallet: its largest open positions, its best and worst questions, its months, its polls."""
    is_known = whale.net_profit is not None
    gap = None if is_merged(store) else read_polling(store, now, limits).gaps.get(whale.address)
    return WhalePage(
        whale,
        open_positions=list(find_positions(store, whale=whale.address, limit=_POSITIONS)),
        best_questions=find_questions(store, whale.address, state="won", limit=_QUESTIONS) if is_known else [],
        worst_questions=find_questions(store, whale.address, state="lost", limit=_QUESTIONS) if is_known else [],
        profit_by_month=profit_by_month(store, whale.address) if is_known else [],
        void_cost=find_void_cost(store, whale.address) if is_known else None,
        delay=judge_delay(find_delays(store, now, whale.address)),
        poll_every_seconds=None if gap is None else round(gap),
        shard=find_shard(store),
    )


def print_page(page: WhalePage, now: datetime) -> None:
    """Print the page. Amounts are in the quote token, times in UTC."""
    print_facts([*_identity(page, now), ("", ""), *_figures(page, now)])
    _print_positions(page)
    print_questions("Best questions", page.best_questions)
    print_questions("Worst questions", page.worst_questions)
    if page.profit_by_month:
        print_heading("Net profit by month")
        print_months(page.profit_by_month[-_MONTHS:])


def _identity(page: WhalePage, now: datetime) -> list[Fact]:
    whale = page.whale
    tracked = "yes, added" if whale.enabled else "no, removed; added"
    facts: list[Fact] = [
        ("Address", whale.address),
        ("Name", whale.name),
        ("Tags", ", ".join(whale.tags) or None),
        ("Tracked", f"{tracked} {moment(whale.added_at)} UTC ({whale.source})"),
        ("  Shard", _polled_elsewhere(page), "yellow"),
        ("History", _history(whale), completeness_style(whale)),
        ("  Why", _why(whale)),
        ("  Since", _dated(whale.standing_since, now)),
        ("  Read whole", _dated(whale.whole_read_at, now)),
        ("Polled", _polled(page.poll_every_seconds)),
        ("  Trade delay", measured(page.delay)),
        ("Last sync", _dated(whale.last_synced_at, now)),
        ("Last error", whale.last_error),
        ("Last trade", _dated(whale.last_active_at, now)),
    ]
    return _without_unknown_details(facts)


def _figures(page: WhalePage, now: datetime) -> list[Fact]:
    whale = page.whale
    facts: list[Fact] = [
        _amount("Net profit", whale.net_profit),
        _amount("Unrealized", whale.unrealized_profit),
        ("Exposure", _usdt(money(whale.exposure))),
        ("Cost of void markets", _usdt(money(page.void_cost))),
        ("Record", _record(whale)),
        ("  ROI", roi(whale), gain_style(whale.roi)),
        ("  Luck", None if whale.luck is None else f"{signed(whale.luck)} σ at most, compared with fair prices"),
        _amount("Realized (exchange)", whale.realized_profit),
        ("Farming", _farming(whale), "yellow" if whale.flagged else ""),
        ("Buys and sells", count(whale.trade_count)),
        ("Volume", _usdt(money(whale.total_volume))),
        ("  24 hours", _usdt(money(whale.volume_24h))),
        ("  7 days", _usdt(money(whale.volume_7d))),
        ("  30 days", _usdt(money(whale.volume_30d))),
        ("Figures as of", _dated(whale.stats_updated_at, now)),
    ]
    return _without_unknown_details(facts)


def _without_unknown_details(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact[1] is not None or not fact[0].startswith(" ")]


def _polled_elsewhere(page: WhalePage) -> str | None:
    if not page.whale.elsewhere:
        return None
    if page.polled_by is None:
        return "polled by no source of this merged database, so its figures aren't updated"
    return f"polled by shard {page.polled_by}; this is shard {page.shard}, where its figures don't move on"


def _polled(gap: int | None) -> str | None:
    return None if gap is None else f"{every(gap)}; expected trade delay {span(gap / 2)} on average"


def _history(whale: Whale) -> str:
    if whale.has_no_trades:
        return NO_TRADES
    total = "exchange total unknown" if whale.api_total is None else f"of {count(whale.api_total)} on the exchange"
    return f"{whale.completeness}: {count(whale.known_trades)} trades known, {total}"


def _record(whale: Whale) -> str | None:
    if whale.record_withheld:
        return f"withheld: {whale.record_withheld}"
    interval = win_rates(whale)
    if interval is None:
        return None
    return f"{count(whale.won_questions)} of {count(whale.decided_questions)} questions won (95 % interval {interval})"


def _farming(whale: Whale) -> str | None:
    share = percent(whale.farming_share)
    if share is None:
        return "flagged" if whale.flagged else None
    since = "" if whale.farming_since is None else f", since {day(whale.farming_since)}"
    return f"{share} of its volume in 30 days{since}{'; flagged' if whale.flagged else ''}"


def _amount(name: str, amount: float | None) -> Fact:
    return name, _usdt(gain(amount)), gain_style(amount)


def _usdt(text: str | None) -> str | None:
    return None if text is None else f"{text} USDT"


def _dated(time: datetime | None, now: datetime) -> str | None:
    return None if time is None else f"{moment(time)} UTC ({age(time, now)})"


def _why(whale: Whale) -> str | None:
    """What the numbers alone do not tell of a history; None if there is nothing to tell."""
    if whale.listed_newest is not None and whale.completeness.missing:
        return f"the exchange lists only its newest {whale.listed_newest:,}"
    reasons = [
        (whale.missed, f"{whale.missed:,} known trades are not listed any more"),
        (whale.waiting, f"{whale.waiting:,} new trades are more than the exchange counts, and wait to be seen again"),
        (whale.doubted, "its whole list is to be read again"),
    ]
    return "; ".join(reason for applies, reason in reasons if applies) or None


def _print_positions(page: WhalePage) -> None:
    if page.open_positions:
        print_heading("Largest open positions")
        print_notes(print_positions(page.open_positions, of_one_whale=True, of_one_state=True).notes)
