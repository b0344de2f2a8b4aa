"""The exchange itself: wallets, trades and markets that move with a clock. No HTTP."""

import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import count
from threading import RLock
from typing import Any

from opinionscope.simulator.market_book import MarketBook
from opinionscope.simulator.market_subjects import Subject
from opinionscope.simulator.simulated_market import RESOLVED
from opinionscope.simulator.simulated_trade import ZERO, SimulatedTrade
from opinionscope.simulator.trade_tape import TradeTape

MINUTE = 60
LONGEST_REPLAY = 86_400  # after a longer jump of the clock, market churn is played for its last day only


class Exchange:
    """A simulated exchange, thread-safe, the same for the same seed and the same clock.

    `clock` gives unix seconds; the state catches up with it whenever something is asked.
    `trades_per_minute` is the mean of each wallet, `market_churn_per_minute` how many markets close
    (and as many open); 0 keeps either still. `total_override[address]` turns the true number of a wallet's
    trades into the one that the API claims.
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        markets: int = 300,
        wallets: int = 8,
        history: int = 400,
        trades_per_minute: float = 6.0,
        clock: Callable[[], float] = time.time,
        market_churn_per_minute: float = 1.0,
    ) -> None:
        self.clock = clock
        self.total_override: dict[str, Callable[[int], int]] = {}
        self._seed = seed
        self._lock = RLock()
        self._minute = clock()
        self._serial = count()
        self._book = MarketBook(seed, markets, self._minute, market_churn_per_minute)
        self._tape = TradeTape(seed, trades_per_minute)
        for index in range(wallets):
            address = f"0x{sha256(f'{seed}:wallet:{index}'.encode()).hexdigest()[:40]}"
            self._tape.add_wallet(address, history, self._minute, self._book.draw_for_trade)

    @property
    def wallets(self) -> list[str]:
        """The addresses that trade here, in lower case."""
        with self._lock:
            return self._tape.addresses

    def add_wallet(self, address: str, history: int = 0) -> None:
        """Add a wallet with `history` past trades; like the others, it trades on from now."""
        with self._lock:
            self._tape.add_wallet(address.lower(), history, self._catch_up(), self._book.draw_for_trade)

    def make_trade(self, address: str, **overrides: Any) -> SimulatedTrade:
        """A plausible trade of now, not yet added: a buy of 10 shares at 0.5 with a hash of its own."""
        with self._lock:
            created_at = int(overrides.get("created_at", self.clock()))
            serial = f"{self._seed}:{address.lower()}:{next(self._serial)}"
            defaults: dict[str, Any] = {
                "tx_hash": f"0x{sha256(serial.encode()).hexdigest()}",
                "side": "Buy",
                "outcome_side": 1,
                "price": "0.500000000000000000",
                "shares": "10.0000000000000",
                "amount": "5.000000",
                "fee": ZERO,
                "profit": ZERO,
                "created_at": created_at,
                "visible_at": created_at,
            }
            return SimulatedTrade(**(self._market_defaults(overrides) | defaults | overrides))

    def _market_defaults(self, overrides: dict[str, Any]) -> dict[str, Any]:
        anything = next(iter(self._book.by_id.values()))
        market = self._book.by_id.get(overrides.get("market_id", anything.id), anything)
        label = "noLabel" if overrides.get("outcome_side") == 2 else "yesLabel"
        return {
            "market_id": market.id,
            "market_title": market.title,
            "root_market_id": market.root.id,
            "root_market_title": market.root.title,
            "outcome": market.fields[label],
        }

    def add_trades(self, address: str, trades: Iterable[SimulatedTrade]) -> None:
        """Add trades to a known wallet; a trade given twice is there twice."""
        with self._lock:
            self._tape.add(address.lower(), trades, self._catch_up())

    def visible_trades(self, address: str) -> list[SimulatedTrade]:
        """What the API shows: newest second first, within a second the later-added first."""
        with self._lock:
            return self._tape.newest_first(address.lower(), self._catch_up())

    def trade_page(self, address: str, page: int, limit: int, market_id: int | None = None) -> tuple[list[bytes], int]:
        """One page of a wallet's trades as JSON objects, and the claimed total. Unknown wallet: none, 0."""
        address, first = address.lower(), (page - 1) * limit
        with self._lock:
            now = self._catch_up()
            if market_id is None:
                trades, total = self._tape.page(address, first, limit, now)
            else:
                visible = self._tape.newest_first(address, now)
                matching = [trade for trade in visible if trade.market_id == market_id]
                trades, total = matching[first : first + limit], len(matching)
            claim = self.total_override.get(address)
            return [trade.rendered for trade in trades], claim(total) if claim else total

    def open_market(self, title: str | None = None, *, options: Sequence[str] = (), labels: Sequence[str] = ()) -> int:
        """Open a market and return its id: random without a title, categorical with options."""
        subject = None if title is None else Subject(title, tuple(labels), options=tuple(options))
        with self._lock:
            return self._book.open(subject, self._catch_up()).id

    def close_market(self, market_id: int, status: int = RESOLVED) -> None:
        """Close a market or a single child: it leaves the activated list, its detail tells the status."""
        with self._lock:
            self._book.close(market_id, status, int(self._catch_up()))

    def rename_market(self, market_id: int, title: str) -> None:
        with self._lock:
            self._book.rename(market_id, title)

    def markets(self, status: str = "activated") -> list[dict[str, Any]]:
        """All binary and categorical markets as API objects, newest first; "" for every status."""
        with self._lock:
            self._catch_up()
            return [market.as_json() for market in self._book.listing(status, 2, 1)]

    def market_page(
        self, page: int, limit: int, *, status: str, market_type: int, sort_by: int
    ) -> tuple[list[bytes], int]:
        """One page of markets as JSON objects, and how many there are in all."""
        first = (page - 1) * limit
        with self._lock:
            self._catch_up()
            found = self._book.listing(status, market_type, sort_by)
            return [market.rendered for market in found[first : first + limit]], len(found)

    def market_detail(self, market_id: int, *, categorical: bool) -> bytes | None:
        """A market as a JSON object; None if there is none of that id and kind."""
        with self._lock:
            self._catch_up()
            market = self._book.by_id.get(market_id)
            if market is None or (market.kind == "categorical") != categorical:
                return None
            return market.rendered

    def latest_price(self, token_id: str) -> dict[str, Any] | None:
        """The last price of a token; None for an unknown one."""
        with self._lock:
            now = self._catch_up()
            if self._book.find_token(token_id) is None:
                return None
            digest = int(sha256(f"{self._seed}:{token_id}:{int(now / MINUTE)}".encode()).hexdigest()[:8], 16)
        price, size = f"{(digest % 990 + 5) / 1000:.3f}", f"{digest % 5000 + 1}.00"
        side = "BUY" if digest % 2 else "SELL"
        return {"tokenId": token_id, "price": price, "side": side, "size": size, "timestamp": int(now * 1000)}

    def _catch_up(self) -> float:
        # Markets change on the minute only: what is traded then does not depend on when somebody looks.
        now = self.clock()
        self._minute = max(self._minute, now - LONGEST_REPLAY)
        while self._minute + MINUTE <= now:
            self._minute += MINUTE
            self._tape.trade_until(self._minute, self._book.draw_for_trade, now)
            self._book.pass_minute(self._minute)
        self._tape.trade_until(now, self._book.draw_for_trade, now)
        return now
