"""Judge anew the questions that new trades, decided markets or new marks have changed."""

import time
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from opinionscope.jobs.result import ReportProgress, no_progress
from opinionscope.store.database import Store, Transaction
from opinionscope.store.due_positions import (
    DuePosition,
    PositionOfQuestion,
    assign_questions,
    clear_due,
    find_due_positions,
    find_positions_of,
    forget_empty,
)
from opinionscope.store.record_parts import sum_parts
from opinionscope.store.whale_questions import QuestionKey, QuestionRow, save_questions
from opinionscope.times import to_seconds_text
from opinionscope.track_record.positions import PositionSums, result_of
from opinionscope.track_record.records import Holding, decided_at, judge_question, question_key

_BATCH = 500
"""Positions in a transaction: what other writers wait for."""
_PAUSE_SECONDS = 0.02
"""So that writers who wait get their turn between two transactions."""
_COLUMNS = attrgetter(*QuestionRow._fields)


def judge_due_questions(
    store: Store,
    *,
    now: datetime,
    batch: int = _BATCH,
    pause: float = _PAUSE_SECONDS,
    progress: ReportProgress = no_progress,
) -> None:
    """Judge the questions of all positions that are due, at most `batch` positions in a transaction.

    The transactions are `pause` seconds apart. If the run ends between two of them, the next one goes on from there.
    """
    done, moment = 0, to_seconds_text(now)
    while judged := _judge_batch(store, batch, moment):
        done += judged
        progress("positions", done, None)
        if judged < batch:
            return
        time.sleep(pause)


def _judge_batch(store: Store, batch: int, now: str) -> int:
    """How many due positions were dealt with. They are read in the transaction, so that no new trade slips between."""
    with store.transaction() as transaction:
        due = find_due_positions(transaction, batch)
        if not due:
            return 0
        now_in = [QuestionKey(position.whale_address, _question_of(position)) for position in due]
        pairs = list(zip(now_in, due, strict=True))
        assign_questions(
            transaction, [(key.question, position.id) for key, position in pairs if key.question != position.question]
        )
        forget_empty(transaction, [position.id for position in due])
        before = {QuestionKey(each.whale_address, each.question) for each in due if each.question is not None}
        _judge_questions(transaction, sorted(before.union(now_in)), now)
        clear_due(transaction, [position.id for position in due])
    return len(due)


def _judge_questions(transaction: Transaction, keys: Sequence[QuestionKey], now: str) -> None:
    save_questions(transaction, [(key, _judged(find_positions_of(transaction, key), now)) for key in keys])
    sum_parts(transaction, sorted({(key.whale_address, key.part) for key in keys}))


def _question_of(position: DuePosition) -> str:
    return question_key(position.market_external_id, root=position.root_market_external_id, topic=position.topic)


def _judged(positions: Sequence[PositionOfQuestion], now: str) -> QuestionRow | None:
    """What is to be stored of a question; None if no position belongs to it any more."""
    if not positions:
        return None
    return QuestionRow(*_COLUMNS(judge_question([_holding(position, now) for position in positions])))


def _holding(position: PositionOfQuestion, now: str) -> Holding:
    mark = None
    if position.api_shares and position.api_value is not None:
        mark = position.api_value / position.api_shares
    return Holding(
        outcome_side=position.outcome_side,
        sums=PositionSums(
            buy_shares=position.buy_shares,
            buy_amount=position.buy_amount,
            sell_shares=position.sell_shares,
            sell_amount=position.sell_amount,
            split_shares=position.split_shares,
            merge_shares=position.merge_shares,
        ),
        result=result_of(
            position.outcome_side,
            status=position.status,
            result_token=position.result_token_id,
            yes_token=position.yes_token_id,
            no_token=position.no_token_id,
        ),
        market_is_known=position.status is not None,
        mark=mark,
        last_traded_at=position.last_traded_at,
        decided_at=decided_at(position.resolved_at, position.cutoff_at, now),
    )
