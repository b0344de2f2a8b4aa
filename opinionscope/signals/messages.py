"""The messages that people read: plain text, made from a signal's document. Each target formats it in its own way."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from opinionscope.notify.message import Message
from opinionscope.signals.documents import LATE_SECONDS, Document
from opinionscope.text import one_line, valid_text
from opinionscope.times import from_text

_LONGEST_TITLE = 140
_LONGEST_TEXT = 300
_LONGEST_NAME = 40
_LISTED = 12
_VERB_OF_A_CHANGE = {"NEW": "NEW position", "ADD": "ADD", "REDUCE": "REDUCE", "EXIT": "EXIT", "FLIP": "FLIP"}


def message_of(document: Document) -> Message:
    """The message of a signal."""
    title, lines = _MESSAGES[document["kind"]](document)
    last = _small_print(document)
    body = "\n".join(line for line in [*lines, last] if line)
    return Message(_text(title, _LONGEST_TITLE), valid_text(body))


def _order(document: Document) -> tuple[str, list[str | None]]:
    order = document["order"]
    name, deal = _name(document["whale"]), _deal(order)
    price = "" if order["price"] is None else f" at {order['price']:.3f}"
    size = f"{order['amount']:,.2f} USDT{price}"
    fills = f"{order['fills']:,} fill" + ("" if order["fills"] == 1 else "s")
    return (
        f"{name}: {deal} · {size}",
        [
            " · ".join(filter(None, [deal, fills, size, _position(document)])),
            _told_before(document),
            *_market(document["market"]),
            *_whale(document["whale"]),
            *_closing(document),
        ],
    )


def _deal(order: Document) -> str:
    return " ".join(filter(None, [order["action"], _text(order["outcome"], _LONGEST_NAME)]))


def _position(document: Document) -> str | None:
    change, position = document["order"]["change"], document["position"]
    if position["is_partial"]:
        return "position not known yet"
    if change is None:
        return None
    now = f"now {position['shares_after']:,.0f} shares" if change != "EXIT" else "nothing held now"
    other = position["other_outcome_shares_after"]
    hedge = f", and {other:,.0f} of the other outcome" if other else ""
    return f"{_VERB_OF_A_CHANGE[change]}, {now}{hedge}"


def _told_before(document: Document) -> str | None:
    told = document.get("told_before")
    return None if told is None else f"The order has grown: signal {told['signal']} told {told['amount']:,.2f} USDT."


def _market(market: Document) -> list[str]:
    lines = [_text(market["question"] or f"market {market['id']}", _LONGEST_TEXT)]
    if market["option"]:
        lines.append(f"Option: {_text(market['option'], _LONGEST_TEXT)}")
    return lines


def _whale(whale: Document) -> list[str]:
    flag = ""
    if whale["flagged"]:
        share = whale["farming_share"]
        flag = " · flagged: trades look like farming" + ("" if share is None else f" ({share:.0%} of volume)")
    short = _short(whale["address"])
    name = f"{_name(whale)} ({short})" if _name(whale) != short else short
    return [f"{name}: {record_text(whale)}{flag}"]


def record_text(whale: Document) -> str:
    """A wallet's track record in words, or why it is withheld."""
    record = whale["record"]
    if record is None:
        return f"record withheld: {_text(whale['record_withheld'], _LONGEST_TEXT)}"
    won, decided = record["won_questions"] or 0, record["decided_questions"] or 0
    if not decided:
        return "no decided questions yet"
    text = f"won {won:,} of {decided:,} questions ({won / decided:.0%}"
    if record["win_rate_low"] is not None and record["win_rate_high"] is not None:
        text += f", 95% interval {record['win_rate_low']:.0%} to {record['win_rate_high']:.0%}"
    text += ")"
    if record["roi"] is not None:
        text += f", return {record['roi']:+.0%}"
    if record["net_profit"] is not None:
        text += f", net profit {record['net_profit']:,.0f} USDT"
    return text


def _closing(document: Document) -> list[str]:
    market, lines = document["market"], list[str]()
    if market["cutoff_at"]:
        hours = (from_text(market["cutoff_at"]) - from_text(document["detected_at"])).total_seconds() / 3_600
        lines.append(_hours_left(hours, from_text(market["cutoff_at"])))
    if market["url"]:
        lines.append(_text(market["url"], _LONGEST_TEXT))
    return lines


def _hours_left(hours: float, cutoff: datetime) -> str:
    if hours <= 0:
        return f"Closed to trading at {cutoff:%Y-%m-%d %H:%M} UTC"
    left = f"{hours:,.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
    return f"Closes in {left} ({cutoff:%Y-%m-%d %H:%M} UTC)"


def _consensus(document: Document) -> tuple[str, list[str]]:
    outcome, market = _text(document["outcome"], _LONGEST_NAME), document["market"]
    event = "has formed" if document["event"] == "formed" else "has grown"
    opposition = document["opposition"]
    against = (
        f"Against it: {opposition['whales']:,} with {opposition['exposure']:,.0f} USDT: {_names(opposition['members'])}"
        if opposition["whales"]
        else "Nobody opposes it."
    )
    return (
        f"Consensus on {outcome}: {document['whales']:,} whales, {document['exposure']:,.0f} USDT",
        [
            f"Consensus on {outcome} {event}: {document['whales']:,} whales with {document['exposure']:,.0f} USDT",
            *_market(market),
            f"For it: {_names(document['members'])}",
            against,
            *_closing(document),
        ],
    )


def _names(members: Sequence[Document]) -> str:
    shown = [f"{_name(member)} {member['exposure']:,.0f}" for member in members[:_LISTED]]
    more = len(members) - _LISTED
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _summary(document: Document) -> tuple[str, list[str]]:
    count, rule = document["count"], document["rule"]
    lines = [f"{count:,} more signals of rule {rule}, {document['amount']:,.2f} USDT together:"]
    for entry in document["entries"][:_LISTED]:
        deal = " ".join(filter(None, [entry["action"], _text(entry["outcome"], _LONGEST_NAME)]))
        amount = "" if entry["amount"] is None else f" {entry['amount']:,.2f} USDT"
        lines.append(
            f"{_text(entry['whale'] or '', _LONGEST_NAME)} {deal}{amount}: {_text(entry['market'], 80)}".strip()
        )
    if count > _LISTED:
        lines.append(f"and {count - _LISTED:,} more: opinionscope signals --rule {rule}")
    return f"{count:,} more signals of rule {rule}", lines


def _digest(document: Document) -> tuple[str, list[str]]:
    since, until = from_text(document["since"]), from_text(document["until"])
    whales = document["whales"]
    lines = [f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"]
    for each in whales[:_LISTED]:
        orders = f"{each['orders']:,} order" + ("" if each["orders"] == 1 else "s")
        lines.append(f"{_name(each['whale'])}: {orders}, net {each['net']:+,.2f} USDT")
        lines += _positions("opened", each["opened"]) + _positions("closed", each["closed"])
    if len(whales) > _LISTED:
        lines.append(f"and {len(whales) - _LISTED:,} more whales: opinionscope signals --rule {document['rule']}")
    return f"Digest of rule {document['rule']}: {document['orders']:,} orders", lines


def _positions(word: str, positions: Sequence[Document]) -> list[str]:
    if not positions:
        return []
    shown = [f"{_text(each['outcome'], _LONGEST_NAME)} {_text(each['title'], 60)}" for each in positions[:3]]
    more = len(positions) - len(shown)
    return [f"  {word}: {'; '.join(shown)}" + (f"; and {more:,} more" if more else "")]


_MESSAGES: dict[str, Callable[[Document], tuple[str, list[Any]]]] = {
    "order": _order,
    "consensus": _consensus,
    "summary": _summary,
    "digest": _digest,
}


def _small_print(document: Document) -> str | None:
    """When it was, how late it comes, and which signal of which rule it is."""
    order, parts = document.get("order"), list[str]()
    if order:
        first, last = from_text(order["first_fill_at"]), from_text(order["last_fill_at"])
        parts.append(f"{first:%H:%M:%S}" + (f" to {last:%H:%M:%S} UTC" if last != first else " UTC"))
        late = document.get("seen_late_seconds")
        if late is not None and late >= LATE_SECONDS:
            day = f"{last:%Y-%m-%d}, " if late >= 43_200 else ""
            parts[0] = f"{day}{parts[0]}, seen {_duration(late)} late"
    if document.get("rule"):
        parts.append(f"rule {document['rule']}")
    if document.get("id") is not None:
        parts.append(f"signal {document['number']} ({document['id']})")
    return " · ".join(parts) or None


def _duration(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _name(whale: Document) -> str:
    return _text(whale.get("name"), _LONGEST_NAME) or _short(whale["address"])


def _short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def _text(text: str | None, limit: int) -> str:
    """Text from outside on one line, of bounded length."""
    return one_line(text or "", limit)
