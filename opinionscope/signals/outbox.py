"""The outbox: what becomes of an order that a rule has looked at. All of it in the transaction of its trades.

An order has one signal per rule. Nobody was told of it yet: further fills bring it up to date. Somebody was, or may
have been: what comes later is added up, and told when the order passes twice the amount that was told.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from opinionscope.signals.documents import Document, dumped, move_document, order_document
from opinionscope.signals.matching import Move
from opinionscope.signals.rules import Rule
from opinionscope.store.database import Transaction
from opinionscope.store.signals import (
    EarlierSignal,
    NewSignal,
    OrderFigures,
    State,
    find_earlier,
    insert_signal,
    revive,
    suppress,
    update_figures,
)
from opinionscope.times import from_text, from_unix, to_millis_text
from opinionscope.track_record.orders import Order

FOR_THE_DIGEST = "kept for the digest"
NO_MATCH = "no longer matches"
_TOLD_AGAIN_AT = 2


class Outbox:
    """The signals about the orders of one wallet, as far as `moves` and `rules` need them."""

    def __init__(self, transaction: Transaction, moves: Sequence[Move], rules: Sequence[Rule], now: datetime) -> None:
        self._transaction = transaction
        self._now = now
        self._earlier = list[EarlierSignal]()
        self._parts = dict[frozenset[int], Document]()
        if moves:
            first = min(move.order.first for move in moves)
            longest = max(rule.cooldown for rule in rules)
            self._earlier = find_earlier(
                transaction,
                moves[0].whale.address,
                last_fill_from=from_unix(first),
                detected_from=to_millis_text(now - longest),
            )

    def take(self, rule: Rule, move: Move, reason_not: str | None, recipients: Sequence[str]) -> None:
        """Take up an order that a rule has looked at; `reason_not`: why it does not match (None: it does)."""
        signals = self._signals_of(rule, move.order) if self._earlier else []
        told = _told_of(signals, move.order)
        if signals and _is_open(signals[-1]):
            earlier = self._join(signals)
            self._bring_up_to_date(earlier, rule, move, reason_not, recipients, told=told)
        elif reason_not is None and (told is None or move.order.amount > _TOLD_AGAIN_AT * told.amount):
            self._insert(rule, move, recipients, grown_from=told)

    def _document(self, rule: Rule, move: Move, detected_at: datetime, told: EarlierSignal | None) -> Document:
        parts = self._parts.get(move.order.fill_ids)
        if parts is None:
            parts = self._parts[move.order.fill_ids] = move_document(move)
        before = None if told is None else (told.id, told.amount)
        return order_document(rule, move, parts, detected_at, told=before)

    def _signals_of(self, rule: Rule, order: Order) -> list[EarlierSignal]:
        """The signals of the rule about the order, by id: those that share a fill with it, or else its time."""
        same_rule = [signal for signal in self._earlier if signal.rule_id == rule.id]
        sharing = [signal for signal in same_rule if order.fill_ids.intersection(json.loads(signal.fill_ids))]
        return sharing or [signal for signal in same_rule if _is_about(signal, order)]

    def _join(self, signals: Sequence[EarlierSignal]) -> EarlierSignal:
        """The signal that is to tell of the order, of which the last one is open.

        A late fill joins what were several orders: then the others are not told as well.
        """
        waiting = [signal for signal in signals if _is_open(signal) and _is_waiting(signal)]
        for signal in waiting[:-1]:
            reason = f"told in signal {waiting[-1].id}, of the same order"
            suppress(self._transaction, signal.id, reason)
            self._earlier[self._earlier.index(signal)] = signal._replace(state="suppressed", reason=reason)
        return waiting[-1] if waiting else signals[-1]

    def _insert(
        self, rule: Rule, move: Move, recipients: Sequence[str], *, grown_from: EarlierSignal | None = None
    ) -> None:
        state, reason = self._first_state(rule, move.order, grown_from)
        figures = _figures(move, self._document(rule, move, self._now, grown_from))
        order = move.order
        signal = NewSignal(
            rule.id,
            rule.name,
            "order",
            to_millis_text(self._now),
            state,
            reason=reason,
            whale_address=order.whale_address,
            market_external_id=order.market_external_id,
            outcome_side=order.outcome_side,
            action=order.action,
            **figures._asdict(),
        )
        signal_id = insert_signal(self._transaction, signal, recipients if state == "pending" else ())
        self._earlier.append(_earlier(signal_id, signal))

    def _first_state(self, rule: Rule, order: Order, grown_from: EarlierSignal | None) -> tuple[State, str | None]:
        if rule.digest_at is not None:
            return "suppressed", FOR_THE_DIGEST
        blocking = None if grown_from else self._within_cooldown(rule, order)
        if blocking is None:
            return "pending", None
        minutes = rule.cooldown.total_seconds() / 60
        return "suppressed", f"within {minutes:g} min of signal {blocking.id} about this whale and market"

    def _within_cooldown(self, rule: Rule, order: Order) -> EarlierSignal | None:
        since = self._now - rule.cooldown
        return next(
            (
                signal
                for signal in reversed(self._earlier)
                if signal.rule_id == rule.id
                and signal.market_external_id == order.market_external_id
                and (signal.state != "suppressed" or signal.told_in is not None)
                # One from later than now was detected while the clock was ahead.
                and since < from_text(signal.detected_at) <= self._now
            ),
            None,
        )

    def _bring_up_to_date(
        self,
        earlier: EarlierSignal,
        rule: Rule,
        move: Move,
        reason_not: str | None,
        recipients: Sequence[str],
        *,
        told: EarlierSignal | None,
    ) -> None:
        self._earlier.remove(earlier)
        was_unmatched = (earlier.reason or "").startswith(NO_MATCH)
        state, reason = earlier.state, earlier.reason
        if reason_not is not None:
            if _is_waiting(earlier):
                state, reason = "suppressed", f"{NO_MATCH}: {reason_not}"
                suppress(self._transaction, earlier.id, reason or NO_MATCH)
        elif was_unmatched:
            state, reason = self._first_state(rule, move.order, told)
            revive(self._transaction, earlier.id, state, reason, recipients if state == "pending" else ())
        detected_at = from_text(earlier.detected_at)
        figures = _figures(move, self._document(rule, move, detected_at, told))
        update_figures(self._transaction, earlier.id, figures)
        self._earlier.append(
            earlier._replace(
                state=state,
                reason=reason,
                amount=figures.amount,
                first_fill_at=figures.first_fill_at,
                last_fill_at=figures.last_fill_at,
                fill_ids=figures.fill_ids,
            )
        )
        self._earlier.sort()


def _is_open(signal: EarlierSignal) -> bool:
    """Whether certainly nobody was told of it."""
    if signal.state == "pending":
        return signal.attempts == 0
    return signal.state == "suppressed" and signal.told_in is None


def _is_waiting(signal: EarlierSignal) -> bool:
    """Whether it is to be told, by itself or in a digest."""
    return signal.state == "pending" or signal.reason == FOR_THE_DIGEST


def _told_of(signals: Sequence[EarlierSignal], order: Order) -> EarlierSignal | None:
    """The last of the signals that somebody may have been told of, with the amount that all of them told of the order.

    Those are several, with fills of their own, where a late fill joins what were several orders.
    """
    told = [signal for signal in signals if not _is_open(signal)]
    if not told:
        return None
    fill_ids = {fill_id for signal in told for fill_id in json.loads(signal.fill_ids)}
    amount = sum(fill.amount for fill in order.fills if fill.id in fill_ids)
    return told[-1]._replace(amount=max(told[-1].amount, amount))


def _is_about(signal: EarlierSignal, order: Order) -> bool:
    same = (signal.market_external_id, signal.outcome_side, signal.action)
    if same != (order.market_external_id, order.outcome_side, order.action):
        return False
    return signal.first_fill_at <= from_unix(order.last) and signal.last_fill_at >= from_unix(order.first)


def _figures(move: Move, document: Document) -> OrderFigures:
    order = move.order
    return OrderFigures(
        change=move.change,
        fills=len(order.fills),
        shares=order.shares,
        amount=order.amount,
        price=order.price,
        first_fill_at=from_unix(order.first),
        last_fill_at=from_unix(order.last),
        fill_ids=json.dumps(sorted(order.fill_ids)),
        document=dumped(document),
    )


def _earlier(signal_id: int, signal: NewSignal) -> EarlierSignal:
    return EarlierSignal(
        id=signal_id,
        rule_id=signal.rule_id,
        market_external_id=signal.market_external_id or "",
        outcome_side=signal.outcome_side or 0,
        action=signal.action or "",
        amount=signal.amount or 0.0,
        first_fill_at=signal.first_fill_at or "",
        last_fill_at=signal.last_fill_at or "",
        detected_at=signal.detected_at,
        state=signal.state,
        reason=signal.reason,
        attempts=0,
        told_in=None,
        fill_ids=signal.fill_ids,
    )
