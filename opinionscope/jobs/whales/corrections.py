"""What the exchange corrects in known trades: numbers respelled, fees and profits recalculated, trades withdrawn."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

from opinionscope.api.models import Trade
from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.sums import Sums, exact
from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Transaction
from opinionscope.store.known_trades import (
    KnownTrade,
    KnownTrades,
    mark_missed,
    mark_shown,
    update_details,
    withdraw_missed,
)
from opinionscope.store.rows import as_real
from opinionscope.store.whale_hours import KEPT

_FEWEST_DIGITS = 4
_LOOSEST = Decimal("0.01")


def find_respelled(read: PageRead, key: TradeKey, trade: Trade, known: KnownTrades) -> KnownTrade | None:
    """The stored trade that `trade` respells: it has the same transaction, and the list no longer shows it."""
    for row in (row for rows in known.live.values() for row in rows if row.second == key[0]):
        if row.key == key or row.action != trade.side or row.tx_hash.lower() != trade.tx_hash.lower():
            continue
        copies = known.copies(row.key)
        can_hold = read.can_hold(row.key)
        is_gone = can_hold is not None and can_hold < copies
        may_be_gone = can_hold is None and len(read.trades.get(row.key, ())) < copies
        if (is_gone and _agrees(row, trade, _LOOSEST)) or (may_be_gone and _agrees(row, trade, Decimal(0))):
            return row
    return None


def _agrees(row: KnownTrade, trade: Trade, loosest: Decimal) -> bool:
    """Whether the numbers agree to the precision of the shorter one, and no other field contradicts.

    If the market differs, because it was merged into another one, the numbers must be equal.
    """
    pairs = [(row.price, trade.price), (row.shares, trade.tokens), (row.amount, trade.amount)]
    same_market = row.market_external_id == trade.market_id
    sides = {row.outcome_side, trade.outcome_side} - {None}
    if len(sides) > 1:
        return False
    return all(_is_equal(exact(old), new, loosest if same_market else Decimal(0)) for old, new in pairs)


def _is_equal(old: Decimal | None, new: Decimal | None, loosest: Decimal) -> bool:
    if old is None or new is None:
        return True
    if float(old) == float(new):
        return True
    digits = min(_fraction_digits(old), _fraction_digits(new))
    step = Decimal(1).scaleb(-digits)
    if digits < _FEWEST_DIGITS:
        step = min(step, loosest)
    return abs(old - new) < step


def _fraction_digits(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def bring_details_up_to_date(
    transaction: Transaction, known: list[KnownTrade], trades: list[Trade], sums: Sums
) -> None:
    """Update fees and profits if the list shows as many equal trades as are stored."""
    if len(known) != len(trades):
        return
    stored = Counter((row.fee, row.profit) for row in known)
    changed = list[Trade]()
    for trade in trades:
        details = (as_real(trade.fee), as_real(trade.profit))
        if stored[details] > 0:
            stored[details] -= 1
        else:
            changed.append(trade)
    for row in known if changed else ():
        if changed and stored[row.fee, row.profit] > 0:
            stored[row.fee, row.profit] -= 1
            _take_over(transaction, row, changed.pop(), sums)


def _take_over(transaction: Transaction, row: KnownTrade, trade: Trade, sums: Sums) -> None:
    fee = row.fee if trade.fee is None else as_real(trade.fee)
    profit = row.profit if trade.profit is None else as_real(trade.profit)
    if (fee, profit) == (row.fee, row.profit):
        return
    sums.take_away(row)
    sums.add_back(row._replace(fee=fee, profit=profit))
    update_details(transaction, row, fee, profit)


def note_missed(transaction: Transaction, read: PageRead, known: KnownTrades, now: datetime) -> bool:
    """Mark stored trades that the list should show but does not, and unmark those that it shows again.

    Of equal trades, those stored last are marked. Returns whether anything changed.
    """
    missed, back = list[KnownTrade](), list[KnownTrade]()
    for key, rows in known.live.items():
        can_hold = read.can_hold(key)
        copies = known.copies(key)
        marked = [row for row in rows if row.missed_at is not None]
        most = max(0, copies - len(read.trades.get(key, ())))
        least = 0 if can_hold is None else max(0, copies - max(can_hold, len(read.trades.get(key, ()))))
        if can_hold is not None:
            most = least
        if len(marked) < least:
            unmarked = [row for row in reversed(rows) if row.missed_at is None]
            missed += unmarked[: least - len(marked)]
        elif len(marked) > most and (key in read.trades or can_hold is not None):
            back += marked[: len(marked) - most]
    if missed:
        mark_missed(transaction, missed, now)
    if back:
        mark_shown(transaction, back)
    return bool(missed or back)


def withdraw(transaction: Transaction, wallet_id: int, address: str, missed_until: datetime, now: datetime) -> int:
    """Withdraw the trades missed since `missed_until` or longer, subtract them from the sums, and return how many."""
    withdrawn = withdraw_missed(transaction, address, missed_until, now)
    sums = Sums()
    for trade in withdrawn:
        sums.take_away(trade)
    sums.save(transaction, wallet_id, address, now - KEPT)
    return len(withdrawn)
