"""The document of a signal: one JSON object that says all there is to tell. Every message is made from it.

The README documents its fields; `VERSION` grows when one of them changes its meaning or goes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from opinionscope.signals.matching import Move
from opinionscope.signals.rules import Rule
from opinionscope.store.signal_evidence import MarketFacts, WhaleFacts
from opinionscope.times import from_unix, to_millis_text, to_seconds_text
from opinionscope.track_record.consensus import Consensus, Holding
from opinionscope.track_record.orders import ACQUIRING, held
from opinionscope.track_record.outcome_sides import other_side

VERSION = 1
LATE_SECONDS = 120
"""From which delay on a message says that it comes late: a poll a minute sees a trade within two."""
_SUMMARY_ENTRIES = 50
_MONEY_DIGITS = 6

Document = dict[str, Any]


def move_document(move: Move) -> Document:
    """What there is to tell of an order, whatever the rule."""
    return {
        "whale": whale_part(move.whale),
        "market": market_part(move.order.market_external_id, move.market, move.title, move.root_market_id),
        "order": _order_part(move),
        "position": _position_part(move),
    }


def order_document(
    rule: Rule, move: Move, parts: Document, now: datetime, *, told: tuple[int, float] | None = None
) -> Document:
    """An order, of which `parts` is the `move_document`.

    `told` is the signal that has told of it before, and the amount that it told.
    """
    late = int(now.timestamp()) - move.order.last
    return {
        **_base(rule, "order", now),
        **parts,
        "seen_late_seconds": late if late >= LATE_SECONDS else None,
        "told_before": None if told is None else {"signal": told[0], "amount": _rounded(told[1])},
    }


def consensus_document(
    rule: Rule,
    consensus: Consensus,
    now: datetime,
    *,
    whales: Mapping[str, WhaleFacts],
    market: MarketFacts | None,
    title: str | None,
    has_formed: bool,
) -> Document:
    """A consensus that has formed, or grown by half."""
    label = outcome_label(consensus.outcome_side, market)
    return _base(rule, "consensus", now) | {
        "event": "formed" if has_formed else "grown",
        "market": market_part(consensus.market_external_id, market, title, None),
        "outcome": label,
        "outcome_side": consensus.outcome_side,
        "whales": len(consensus.members),
        "exposure": _rounded(consensus.exposure),
        "members": holdings_part(consensus.members, whales),
        "opposition": {
            "whales": len(consensus.opposition),
            "exposure": _rounded(consensus.opposing_exposure),
            "members": holdings_part(consensus.opposition, whales),
        },
    }


def summary_document(rule_name: str, entries: Sequence[Document], count: int, amount: float, now: datetime) -> Document:
    """Several signals in one message: how many, and the first of them."""
    return {
        "version": VERSION,
        "kind": "summary",
        "rule": rule_name,
        "detected_at": to_millis_text(now),
        "count": count,
        "amount": _rounded(amount),
        "entries": list(entries)[:_SUMMARY_ENTRIES],
    }


def summary_entry(signal_id: int, document: Document) -> Document:
    """What a summary says of a signal."""
    order, market = document.get("order") or {}, document.get("market") or {}
    return {
        "signal": signal_id,
        "whale": (document.get("whale") or {}).get("name") or (document.get("whale") or {}).get("address"),
        "action": order.get("action") or "CONSENSUS",
        "change": order.get("change"),
        "outcome": order.get("outcome") or document.get("outcome"),
        "amount": order.get("amount") or document.get("exposure"),
        "price": order.get("price"),
        "market": market.get("title"),
    }


def digest_document(rule: Rule, orders: Sequence[Document], since: datetime, until: datetime) -> Document:
    """The orders of a day, by whale: how many, bought minus sold, positions opened and closed."""
    by_whale: dict[str, list[Document]] = {}
    for document in orders:
        by_whale.setdefault(document["whale"]["address"], []).append(document)
    whales = [_digest_part(each) for each in by_whale.values()]
    return _base(rule, "digest", until) | {
        "since": to_millis_text(since),
        "until": to_millis_text(until),
        "orders": len(orders),
        "whales": sorted(whales, key=lambda each: (-abs(each["net"]), each["whale"]["address"])),
    }


def _digest_part(documents: Sequence[Document]) -> Document:
    bought = sum(_new_amount(document) for document in documents if document["order"]["action"] in ACQUIRING)
    sold = sum(_new_amount(document) for document in documents if document["order"]["action"] not in ACQUIRING)
    return {
        "whale": documents[-1]["whale"],
        "orders": len(documents),
        "bought": _rounded(bought),
        "sold": _rounded(sold),
        "net": _rounded(bought - sold),
        "opened": [_named(document) for document in documents if document["order"]["change"] in ("NEW", "FLIP")],
        "closed": [_named(document) for document in documents if document["order"]["change"] == "EXIT"],
    }


def _new_amount(document: Document) -> float:
    """The amount of an order without what an earlier digest has told of it."""
    told = document["told_before"]
    return float(document["order"]["amount"] - (told["amount"] if told else 0.0))


def _named(document: Document) -> Document:
    order, market = document["order"], document["market"]
    return {"market": market["id"], "title": market["title"], "outcome": order["outcome"], "amount": order["amount"]}


def test_document(now: datetime, target: str) -> Document:
    """What `alert test` sends to a program."""
    moment = to_millis_text(now)
    return {"version": VERSION, "kind": "test", "id": None, "number": None, "detected_at": moment, "target": target}


def whale_part(whale: WhaleFacts) -> Document:
    """A wallet and its record, or why that is withheld."""
    withheld = whale.record_withheld
    if withheld is None and whale.decided_questions is None:
        withheld = "not computed yet"
    record = None
    if withheld is None:
        record = {
            "decided_questions": whale.decided_questions,
            "won_questions": whale.won_questions,
            "win_rate_low": whale.win_rate_low,
            "win_rate_high": whale.win_rate_high,
            "roi": whale.roi,
            "net_profit": whale.net_profit,
        }
    return {
        "address": whale.address,
        "name": whale.name,
        "tags": list(whale.tags),
        "record": record,
        "record_withheld": withheld,
        "flagged": whale.flagged,
        "farming_share": whale.farming_share,
    }


def market_part(number: str, market: MarketFacts | None, title: str | None, root: str | None) -> Document:
    """A market; of one that was never synced, what the trades tell of it."""
    if market is None:
        topic = root if root != number else None
        return {"id": number, "topic_id": topic, "title": title, "question": title, "option": None, "url": None} | {
            "status": None,
            "cutoff_at": None,
        }
    question, option = market.title, None
    if market.question:
        question, option = market.question, market.title.removeprefix(f"{market.question}: ")
    return {
        "id": number,
        "topic_id": market.topic_id,
        "title": market.title,
        "question": question,
        "option": option,
        "url": market.url,
        "status": market.status,
        "cutoff_at": None if market.cutoff_at is None else to_seconds_text(market.cutoff_at),
    }


def outcome_label(side: int, market: MarketFacts | None) -> str | None:
    """The name of an outcome: the market's own, else YES or NO."""
    own = {1: market.yes_label, 2: market.no_label}.get(side) if market else None
    return own or {1: "YES", 2: "NO"}.get(side)


def _order_part(move: Move) -> Document:
    order = move.order
    return {
        "action": order.action,
        "outcome": outcome_label(order.outcome_side, move.market),
        "outcome_side": order.outcome_side or None,
        "change": move.change,
        "fills": len(order.fills),
        "shares": _rounded(order.shares),
        "amount": _rounded(order.amount),
        "fees": _rounded(order.fees),
        "price": None if order.price is None else round(order.price, 8),
        "first_fill_at": from_unix(order.first),
        "last_fill_at": from_unix(order.last),
    }


def _position_part(move: Move) -> Document:
    side = move.order.outcome_side
    after = move.after.get(side)
    return {
        "shares_before": _rounded(held(move.before, side)),
        "shares_after": _rounded(held(move.after, side)),
        "cost_per_share": None if after is None or after.cost_per_share is None else round(after.cost_per_share, 8),
        "exposure_after": 0.0 if after is None else _rounded(after.exposure),
        "other_outcome_shares_after": _rounded(held(move.after, other_side(side))),
        "is_partial": move.whale.is_partial,
    }


def holdings_part(holdings: Iterable[Holding], whales: Mapping[str, WhaleFacts]) -> list[Document]:
    """Who holds it, and how much."""
    return [
        {
            "address": holding.whale_address,
            "name": whales[holding.whale_address].name if holding.whale_address in whales else None,
            "shares": _rounded(holding.shares),
            "exposure": _rounded(holding.exposure),
        }
        for holding in holdings
    ]


def _base(rule: Rule, kind: str, now: datetime) -> Document:
    return {"version": VERSION, "kind": kind, "rule": rule.name, "detected_at": to_millis_text(now.astimezone(UTC))}


def dumped(document: Document) -> str:
    """A document as it is stored."""
    return json.dumps(document, ensure_ascii=False)


def _rounded(number: float) -> float:
    return round(number, _MONEY_DIGITS)
