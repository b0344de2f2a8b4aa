"""What the exchange lists of a wallet against the sums of its trades, position by position."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from opinionscope.api.models import Position
from opinionscope.jobs.positions.listing import PositionList
from opinionscope.store.position_checks import CheckedPosition, KnownPosition, PositionKey
from opinionscope.store.rows import as_real
from opinionscope.times import from_text, to_millis_text
from opinionscope.track_record.agreement import Circumstances, Disagreement, Listing, judge
from opinionscope.track_record.positions import PositionSums, result_of

_LATELY = timedelta(minutes=5)
"""The list may lag behind the trades, and the trades behind the list, by a little less."""


@dataclass(frozen=True)
class Comparison:
    """A check of one wallet, made `now`. `history_is_complete`: all of its trades are in the sums."""

    now: datetime
    history_is_complete: bool

    def compare(self, known: Mapping[PositionKey, KnownPosition], listed: PositionList) -> Iterator[CheckedPosition]:
        """What to store: each listed position, and of the others those that should be listed, if all that is was read.

        A position without shares that nobody traded is none.
        """
        for key, position in listed.positions.items():
            if key in known or position.shares:
                yield self._check(key, known.get(key), position)
        if listed.is_whole:
            for key in known.keys() - listed.positions.keys():
                if _is_missed(known[key]):
                    yield self._check(key, known[key], None)

    def _check(self, key: PositionKey, known: KnownPosition | None, position: Position | None) -> CheckedPosition:
        listing = _listing_of(position)
        sums = PositionSums() if known is None else _sums_of(known)
        before = Disagreement() if known is None else Disagreement(known.differs_since, known.disagrees_since)
        after = before.after(judge(sums, listing, self._circumstances_of(known)), to_millis_text(self.now))
        return CheckedPosition(
            market_external_id=key.market_id,
            outcome_side=key.outcome_side,
            root_market_external_id=position.root_market_id if position else None,
            market_title=position.full_title if position else None,
            outcome=position.outcome if position else None,
            api_shares=listing.shares,
            api_value=listing.value,
            api_unrealized=as_real(position.unrealized) if position else None,
            claim_status=listing.claim_status,
            differs_since=after.differs_since,
            disagrees_since=after.disagrees_since,
        )

    def _circumstances_of(self, known: KnownPosition | None) -> Circumstances:
        if known is None:
            return Circumstances("undecided", False, self.history_is_complete, False)
        result = result_of(
            known.outcome_side,
            status=known.market_status,
            result_token=known.result_token,
            yes_token=known.yes_token,
            no_token=known.no_token,
        )
        last = known.last_traded_at
        traded_lately = last is not None and from_text(last) > self.now - _LATELY
        return Circumstances(result, known.market_status is not None, self.history_is_complete, traded_lately)


def _is_missed(known: KnownPosition) -> bool:
    """Whether it says something that a position is not on the list."""
    return bool(known.api_shares or known.differs_since or _sums_of(known).net_shares)


def _listing_of(position: Position | None) -> Listing:
    if position is None:
        return Listing()
    return Listing(
        shares=float(position.shares),
        frozen=float(position.frozen or 0),
        value=as_real(position.value),
        claim_status=position.claim_status,
    )


def _sums_of(known: KnownPosition) -> PositionSums:
    return PositionSums(
        known.buy_shares,
        known.buy_amount,
        known.sell_shares,
        known.sell_amount,
        known.split_shares,
        known.merge_shares,
    )
