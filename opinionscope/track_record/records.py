"""The track record of a wallet: what it won and lost, question by question, and how sure that is.

A question is a market without a topic, or a whole topic: the options of a topic are one bet. Amounts are in the quote
token; times are ISO text in UTC, whose order is that of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from opinionscope.completeness import Completeness
from opinionscope.track_record.positions import DUST, PositionFigures, PositionSums, Result, figures_of

FEWEST_QUESTIONS = 20
"""With fewer decided questions there is no record to speak of."""
_Z = 1.959963984540054
"""The normal distribution has 95 % of its mass within this many standard deviations."""

QuestionState = Literal["open", "won", "lost", "even", "void"]


@dataclass(frozen=True, slots=True)
class Holding:
    """A position, as far as a question depends on it.

    `outcome_side` is 1 (yes), 2 (no), or 0 for trades that name no outcome. `mark` is what a share is worth now, None
    if unknown. `decided_at` is when its market was decided, None if that is unknown.
    """

    outcome_side: int
    sums: PositionSums
    result: Result
    market_is_known: bool
    mark: float | None = None
    last_traded_at: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """What a question has brought a wallet.

    `exposure` and `unrealized` are those of open positions, the latter only of those with a mark, and None if no
    mark is known. `cost` is what all acquired shares cost, `void_cost` what those cost that are held in void markets.
    `edge` and `variance` are what luck is worked out from. `without_outcome` and `unknown_markets` count positions
    that cannot be judged: trades that name no outcome, and shares held in a market that is not known.
    """

    state: QuestionState
    realized: float
    settled: float
    unrealized: float | None
    exposure: float
    cost: float
    void_cost: float
    edge: float
    variance: float
    open_positions: int
    marked_positions: int
    without_outcome: int
    unknown_markets: int
    last_traded_at: str | None
    closed_at: str | None


@dataclass(frozen=True, slots=True)
class RecordSums:
    """The figures of all questions of a wallet, summed. `decided_*` are those of won and lost questions alone."""

    won: int = 0
    lost: int = 0
    decided_profit: float = 0.0
    decided_cost: float = 0.0
    net_profit: float = 0.0
    unrealized: float = 0.0
    exposure: float = 0.0
    edge: float = 0.0
    variance: float = 0.0
    open_positions: int = 0
    marked_positions: int = 0
    without_outcome: int = 0
    unknown_markets: int = 0


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The figures of a wallet as they are published; `record_withheld` says why some, or all, are None."""

    net_profit: float | None = None
    unrealized_profit: float | None = None
    exposure: float | None = None
    decided_questions: int | None = None
    won_questions: int | None = None
    win_rate_low: float | None = None
    win_rate_high: float | None = None
    roi: float | None = None
    luck: float | None = None
    record_withheld: str | None = None


def question_key(market: str, *, root: str | None, topic: str | None) -> str:
    """The question that a market belongs to: `topic:` and its topic's number, or its own number.

    `topic` is the topic of a market that is known, "" for none. Of one that is not known (None), `root`, which its
    trades name, tells: a market without a topic is its own root. Topics and markets are numbered by two counters that
    overlap.
    """
    if topic is None:
        topic = root if root != market else None
    return f"topic:{topic}" if topic else market


def decided_at(resolved: str | None, cutoff: str | None, now: str) -> str | None:
    """When a decided market was decided: when it was resolved, or else its cutoff if that is past."""
    return resolved or (cutoff if cutoff and cutoff <= now else None)


def judge_question(holdings: Sequence[Holding]) -> QuestionFigures:
    """What the positions of one question amount to, in whatever order they come."""
    judged = [
        (holding, figures_of(holding.sums, holding.result, holding.mark))
        for holding in sorted(holdings, key=_any_fixed_order)
        if holding.outcome_side in (1, 2)
    ]
    figures = [each for _, each in judged]
    open_ones = [each for each in figures if each.state == "open"]
    marks = [each.unrealized for each in open_ones if each.unrealized is not None]
    luck = [_edge_and_variance(each) for each in figures if each.state in ("won", "lost")]
    realized, settled = sum(each.realized for each in figures), sum(each.settled for each in figures)
    state = _state(judged, realized + settled)
    return QuestionFigures(
        state=state,
        realized=realized,
        settled=settled,
        unrealized=sum(marks) if marks or not open_ones else None,
        exposure=sum(each.exposure for each in open_ones),
        cost=sum(holding.sums.cost for holding, _ in judged),
        void_cost=sum(each.exposure for each in figures if each.state == "void"),
        edge=sum(edge for edge, _ in luck),
        variance=sum(variance for _, variance in luck),
        open_positions=len(open_ones),
        marked_positions=len(marks),
        without_outcome=len(holdings) - len(judged),
        unknown_markets=sum(not holding.market_is_known and each.state == "open" for holding, each in judged),
        last_traded_at=max((holding.last_traded_at for holding in holdings if holding.last_traded_at), default=None),
        closed_at=None if state == "open" else max((_closed_at(*each) for each in judged), default="") or None,
    )


def _any_fixed_order(holding: Holding) -> tuple[str | int | float, ...]:
    """Sums of floats depend on their order by a hair."""
    sums = holding.sums
    return holding.last_traded_at or "", holding.outcome_side, holding.result, sums.cost, sums.acquired, sums.proceeds


def _state(judged: Sequence[tuple[Holding, PositionFigures]], profit: float) -> QuestionState:
    """A topic with void options is judged if any other was decided or sold; the cost of the void ones is named."""
    states = {figures.state for _, figures in judged}
    if "open" in states:
        return "open"
    if "void" in states and all(holding.result == "void" or not _has_traded(holding) for holding, _ in judged):
        return "void"
    if abs(profit) < DUST:
        return "even"
    return "won" if profit > 0 else "lost"


def _has_traded(holding: Holding) -> bool:
    return holding.sums.acquired > 0 or holding.sums.disposed > 0


def _edge_and_variance(figures: PositionFigures) -> tuple[float, float]:
    """What was gained on shares held to the decision, and how far that strays if their cost was the true chance."""
    shares, cost = figures.net_shares, figures.cost_per_share or 0.0
    return figures.settled, shares * shares * max(0.0, cost * (1 - cost))


def _closed_at(holding: Holding, figures: PositionFigures) -> str:
    decided = None if figures.state == "exited" else holding.decided_at
    return decided or holding.last_traded_at or ""


def wilson_interval(won: int, decided: int) -> tuple[float, float]:
    """Between which shares the true chance to win lies, with 95 % confidence. `decided` is at least 1.

    See https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval.
    """
    share, spread = won / decided, _Z * _Z / decided
    middle = (share + spread / 2) / (1 + spread)
    half = sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def track_record(sums: RecordSums, completeness: Completeness, unsummed: int) -> TrackRecord:
    """The figures of a wallet. Nothing is known of one whose history is partial.

    `unsummed` counts its trades that are in no position yet. Decided questions are those won or lost: neither those
    within dust nor void ones count, nor does their cost in `roi`, the profit of decided questions by their cost.
    `luck` is by how many standard deviations shares held to the decision did better than if their cost had been the
    true chance. It takes them for independent, which the options of a topic are not, so it is an upper bound; None
    where nothing was held that could have gone either way.
    """
    if reason := _why_nothing_is_known(sums, completeness, unsummed):
        return TrackRecord(record_withheld=reason)
    decided = sums.won + sums.lost
    has_record = decided >= FEWEST_QUESTIONS
    low, high = wilson_interval(sums.won, decided) if has_record else (None, None)
    return TrackRecord(
        net_profit=sums.net_profit,
        unrealized_profit=sums.unrealized if sums.marked_positions or not sums.open_positions else None,
        exposure=sums.exposure,
        decided_questions=decided,
        won_questions=sums.won,
        win_rate_low=low,
        win_rate_high=high,
        roi=sums.decided_profit / sums.decided_cost if has_record and sums.decided_cost > 0 else None,
        luck=sums.edge / sqrt(sums.variance) if has_record and sums.variance > 0 else None,
        record_withheld=None if has_record else f"{decided} of {FEWEST_QUESTIONS} decided questions",
    )


def _why_nothing_is_known(sums: RecordSums, completeness: Completeness, unsummed: int) -> str | None:
    if completeness.word != "complete":
        return f"history {completeness}"
    if unsummed:
        return f"{_counted(unsummed, 'trade')} not summed yet"
    if sums.without_outcome:
        return f"{_counted(sums.without_outcome, 'position')} without an outcome"
    if sums.unknown_markets:
        return f"{_counted(sums.unknown_markets, 'position')} in a market not known yet"
    return None


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
