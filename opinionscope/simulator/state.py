"""The exchange itself: wallets, trades and markets that move with a clock. No HTTP."""

import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import count
from threading import RLock
from typing import Any

from opinionscope.simulator.ledger import Holding, HoldingKey, Ledger
from opinionscope.simulator.market_book import MarketBook
from opinionscope.simulator.market_subjects import Subject
from opinionscope.simulator.portfolio import DAY, is_claimed, mark, position, ranking, ranking_value
from opinionscope.simulator.simulated_market import DELETED, RESOLVED, SimulatedMarket, View
from opinionscope.simulator.simulated_trade import ZERO, SimulatedTrade
from opinionscope.simulator.trade_tape import TradeTape
from opinionscope.simulator.trader import Trader
from opinionscope.simulator.transfer import Transfer

MINUTE = 60
LONGEST_REPLAY = 86_400  # after a longer jump of the clock, market churn is played for its last day only


class Exchange:
    """A simulated exchange, thread-safe, the same for the same seed and the same clock.

    `clock` gives unix seconds; the state catches up with it whenever something is asked.
    `trades_per_minute` is the mean of each wallet, `market_churn_per_minute` how many markets close
    (and as many open); 0 keeps either still. `unfilled_share` is the share of the listed trades that were
    cancelled or failed. Most of the trading of the past was in `past_markets`, which have closed since. The kinds of
    `traders` take turns, from the first wallet on. `total_override[address]` turns the true number of a wallet's trades
    into the one that the API claims.
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
        unfilled_share: float = 0.0,
        past_markets: int = 0,
        traders: Sequence[type[Trader]] = (Trader,),
    ) -> None:
        self.clock = clock
        self.total_override: dict[str, Callable[[int], int]] = {}
        self._seed = seed
        self._lock = RLock()
        self._minute = clock()
        self._serial = count()
        self._book = MarketBook(seed, markets, self._minute, market_churn_per_minute, past_markets)
        self._tape = TradeTape(seed, trades_per_minute, unfilled_share)
        for index in range(wallets):
            address = f"0x{sha256(f'{seed}:wallet:{index}'.encode()).hexdigest()[:40]}"
            kind = traders[index % len(traders)]
            self._tape.add_wallet(address, history, self._minute, self._book.draw_for_trade, kind)

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
            return SimulatedTrade(**(self._book.fields_of_trade(overrides) | defaults | overrides))

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

    def holdings(self, address: str) -> dict[HoldingKey, Holding]:
        """What the wallet holds now by (market id, outcome side), whether its trades show yet or not; claims aside."""
        address = address.lower()
        with self._lock:
            now = self._catch_up()
            return Ledger(self._tape.all_until(address, now), self._tape.transfers_until(address, now)).held()

    def transfer(self, address: str, market_id: int, outcome_side: int, shares: Decimal) -> None:
        """Move shares to a wallet now or, below zero, away from it: no trade shows it."""
        with self._lock:
            transfer = Transfer(market_id, outcome_side, shares, int(self._catch_up()))
            self._tape.transfer(address.lower(), transfer)

    def market(self, market_id: int) -> SimulatedMarket:
        """The market of that number, a binary one or a child, in whatever state it is, deleted ones too."""
        with self._lock:
            self._catch_up()
            return self._book.tradables[market_id]

    def winning_side(self, market_id: int) -> int | None:
        """1 (yes) or 2 (no) if the market, a binary one or a child, has resolved."""
        with self._lock:
            self._catch_up()
            return self._book.tradables[market_id].winning_side

    def market_status(self, market_id: int, *, categorical: bool = False) -> int:
        """The true status of a market or a topic, whatever the API says of it; unknown ones are deleted."""
        with self._lock:
            self._catch_up()
            market = self._book.find(market_id, categorical=categorical)
            return DELETED if market is None else market.status

    def open_market(self, title: str | None = None, *, options: Sequence[str] = (), labels: Sequence[str] = ()) -> int:
        """Open a market and return its number: random without a title, a topic with options."""
        subject = None if title is None else Subject(title, tuple(labels), options=tuple(options))
        with self._lock:
            return self._book.open(subject, self._catch_up()).id

    def close_market(self, market_id: int, status: int = RESOLVED, *, categorical: bool = False) -> None:
        """Close a market, a single child or a whole topic: it leaves the activated list, its detail tells the status.

        `categorical`: the number is a topic's. One with the status "Deleted" is unknown from then on.
        """
        with self._lock:
            now = int(self._catch_up())
            self._book.close(self._find(market_id, categorical=categorical), status, now)

    def rename_market(self, market_id: int, title: str, *, categorical: bool = False) -> None:
        """Change the title of a market or, `categorical`, of a topic."""
        with self._lock:
            self._find(market_id, categorical=categorical).change(marketTitle=title)

    def _find(self, market_id: int, *, categorical: bool) -> SimulatedMarket:
        market = self._book.find(market_id, categorical=categorical)
        if market is None:
            raise ValueError(f"the exchange has no {'topic' if categorical else 'market'} {market_id}")
        return market

    def markets(self, status: View = "activated") -> list[dict[str, Any]]:
        """All binary markets and topics as that list shows them, newest first; "" for every status."""
        with self._lock:
            self._catch_up()
            return [market.as_json(status) for market in self._book.listing(status, 2, 1)]

    def market_page(
        self, page: int, limit: int, *, status: View, market_type: int, sort_by: int
    ) -> tuple[list[bytes], int]:
        """One page of markets as JSON objects, and how many there are in all."""
        first = (page - 1) * limit
        with self._lock:
            self._catch_up()
            found = self._book.listing(status, market_type, sort_by)
            return [market.rendered(status) for market in found[first : first + limit]], len(found)

    def market_detail(self, market_id: int, *, categorical: bool) -> bytes | None:
        """A market's or a topic's detail as a JSON object; None if there is none of that number."""
        with self._lock:
            self._catch_up()
            market = self._book.find(market_id, categorical=categorical)
            return None if market is None else market.rendered("detail")

    def positions(self, address: str, market_id: int | None = None) -> list[dict[str, Any]]:
        """The wallet's positions as API objects, largest cost first; claimed ones and deleted markets are left out."""
        with self._lock:
            now, listed = self._catch_up(), []
            for key, holding in self.holdings(address).items():
                market = self._book.find(key[0], categorical=False)
                if market is None or market_id not in (None, key[0]) or is_claimed(key, market, now):
                    continue
                price = mark(key, market, self._price(market, key[1], now))
                listed.append((holding.cost, position(key, holding, market, price)))
        return [document for _, document in sorted(listed, key=lambda each: -each[0])]

    def leaderboard(self, data_type: str, days: int) -> list[dict[str, Any]]:
        """The wallets by "volume", "profit" or "points" of the last days (0: of all time), as API objects."""
        with self._lock:
            now = self._catch_up()
            since = now - days * DAY if days else 0
            trades = {address: self._tape.all_until(address, now) for address in self.wallets}
        values = {address: ranking_value(each, data_type, since) for address, each in trades.items()}
        return ranking(values, data_type)

    def latest_price(self, token_id: str) -> dict[str, Any] | None:
        """The last price of a token; None for an unknown one."""
        with self._lock:
            now = self._catch_up()
            market = self._book.find_token(token_id)
            if market is None:
                return None
            price = self._price(market, 1 if token_id == market.fields["yesTokenId"] else 2, now)
        digest = self._digest_of(market, now)
        size, side = f"{digest % 5000 + 1}.00", "BUY" if digest % 2 else "SELL"
        return {"tokenId": token_id, "price": f"{price}", "side": side, "size": size, "timestamp": int(now * 1000)}

    def _price(self, market: SimulatedMarket, outcome_side: int, now: float) -> Decimal:
        """A price near the fair one that changes every minute; those of both outcomes make 1."""
        noise = Decimal(self._digest_of(market, now) % 61 - 30) / 1000
        return market.fair_price(outcome_side) + (noise if outcome_side == 1 else -noise)

    def _digest_of(self, market: SimulatedMarket, now: float) -> int:
        """A number that is another one every minute."""
        minute = f"{self._seed}:{market.id}:{int(now / MINUTE)}"
        return int(sha256(minute.encode()).hexdigest()[:8], 16)

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
