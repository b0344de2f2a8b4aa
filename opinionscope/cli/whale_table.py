"""The table of wallets, and how the figures of a track record are written."""

from collections.abc import Sequence
from datetime import datetime

from opinionscope.cli.gain_column import gain_column
from opinionscope.cli.output.columns import NOTHING, Column
from opinionscope.cli.output.formats import age, count, counted, money, percent, short_address, signed
from opinionscope.cli.output.notes import print_notes
from opinionscope.cli.output.styles import COMPLETENESS_STYLES, gain_style
from opinionscope.cli.output.tables import print_table
from opinionscope.cli.output.terminal import is_wide
from opinionscope.shards import Shard
from opinionscope.store.whales import Whale
from opinionscope.track_record.records import FEWEST_QUESTIONS

NO_TRADES = "no trades: is this the owner's address, not the Safe's?"
_TOO_FEW = f"A record needs {FEWEST_QUESTIONS} decided questions."
_FLAGGED = (
    "Farming: the share of volume in the last 30 days that looks like wash or points trading. "
    "Wallets flagged for it are listed last."
)

NO_WALLETS = "No wallets yet; add one with `opinionscope whales add ADDRESS`."
NO_WALLETS_HERE = "No wallet on the list belongs to this shard."


def print_whales(
    tracked: Sequence[Whale], now: datetime, *, nothing: str = NO_WALLETS, more: Sequence[str] = ()
) -> None:
    """A table of wallets, amounts in the quote token; the figures are as of the last `stats` run.

    Below it are notes on what needs explaining, and `more` notes.
    """
    wide = is_wide()
    columns = [
        Column("Whale", lambda whale: whale.name or short_address(whale.address), flexible="cut", least=12, enough=20),
        Column("Address", lambda whale: whale.address if wide else short_address(whale.address), rank=9),
        Column(
            "Tags",
            lambda whale: ", ".join(whale.tags) or None,
            rank=8,
            flexible="wrap",
            least=10,
            enough=20,
            optional=True,
        ),
        gain_column("Net profit", "net_profit"),
        Column("Record", _record_or_reason, flexible="wrap", least=17),
        Column("ROI", roi, right=True, rank=2, style=lambda whale: gain_style(whale.roi)),
        Column("Luck", lambda whale: signed(whale.luck), right=True, rank=5, unit="σ"),
        Column("Exposure", lambda whale: money(whale.exposure), right=True, rank=3, unit="USDT"),
        gain_column("Unrealized", "unrealized_profit", rank=7),
        Column("Volume", lambda whale: money(whale.total_volume), right=True, rank=6, unit="USDT"),
        Column("30 d", lambda whale: money(whale.volume_30d), right=True, rank=10, unit="USDT"),
        Column("Trades", lambda whale: count(whale.trade_count), right=True, rank=11),
        Column("Last trade", lambda whale: age(whale.last_active_at, now), right=True, rank=4),
        Column("Farming", farming, right=True, optional=True, nothing="", style=lambda _: "yellow"),
        Column("History", _history, rank=1, style=completeness_style),
        Column("Last error", lambda whale: whale.last_error, flexible="wrap", rank=12, optional=True),
    ]
    print_table(columns, tracked, nothing=nothing)
    print_notes([*_notes(tracked), *more])


def other_shards(shard: Shard | None, elsewhere: int) -> list[str]:
    """A note of how many wallets are not in the table: other shards poll them, or no source of a merged database."""
    if shard is not None:
        return [f"This is shard {shard}; other shards poll {counted(elsewhere, 'more wallet')}."]
    return [f"No source of this merged database polls {counted(elsewhere, 'more wallet')}."] if elsewhere else []


def record(whale: Whale) -> str | None:
    """`14/20 (48–86 %)`: questions won and decided, and the 95 % interval; None while it is withheld."""
    interval = win_rates(whale)
    return None if interval is None else f"{whale.won_questions}/{whale.decided_questions} ({interval})"


def win_rates(whale: Whale) -> str | None:
    """`48–86 %`: the 95 % interval of the share of decided questions that are won; None while it is withheld."""
    low, high = whale.win_rate_low, whale.win_rate_high
    if whale.record_withheld or low is None or high is None:
        return None
    return f"{low * 100:.0f}–{high * 100:.0f} %"


def _record_or_reason(whale: Whale) -> str | None:
    """The record, or a dash and, in a few words, why it is withheld."""
    if not whale.record_withheld:
        return record(whale)
    if _has_too_few(whale):
        return f"{NOTHING} only {whale.decided_questions} decided"
    return f"{NOTHING} {whale.record_withheld.removeprefix('history ')}"


def _has_too_few(whale: Whale) -> bool:
    """Whether the record is withheld only because too few questions have been decided."""
    return bool(whale.record_withheld) and whale.net_profit is not None


def roi(whale: Whale) -> str | None:
    """`+12 %`: net profit of what the decided questions cost."""
    text = percent(whale.roi)
    return f"+{text}" if text and text[0] not in "-0" else text


def farming(whale: Whale) -> str | None:
    """The share of farming of a wallet that is flagged for it."""
    return (percent(whale.farming_share) or "flagged") if whale.flagged else None


def _history(whale: Whale) -> str:
    return "no trades" if whale.has_no_trades else str(whale.completeness)


def completeness_style(whale: Whale) -> str:
    """The colour of a history."""
    return "yellow" if whale.has_no_trades else COMPLETENESS_STYLES[whale.completeness.word]


def _notes(tracked: Sequence[Whale]) -> list[str]:
    """What the table does not say by itself, as far as it applies."""
    notes = [
        (any(map(_has_too_few, tracked)), _TOO_FEW),
        (any(whale.has_no_trades for whale in tracked), f"{NO_TRADES[0].upper()}{NO_TRADES[1:]}"),
        (any(whale.flagged for whale in tracked), _FLAGGED),
    ]
    return [note for applies, note in notes if applies]
