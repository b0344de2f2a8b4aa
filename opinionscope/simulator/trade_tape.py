"""Every wallet's trades, in the order of the list endpoint."""

import heapq
from bisect import insort
from collections.abc import Iterable
from itertools import count

from opinionscope.simulator.simulated_trade import SimulatedTrade
from opinionscope.simulator.trader import MarketDraw, Trader
from opinionscope.simulator.transfer import Transfer

_Place = tuple[int, int, SimulatedTrade]  # created_at, order of adding: unique, so trades are never compared


class _WalletTape:
    """One wallet's trades: the visible ones oldest first, the late ones by the time they appear."""

    def __init__(self) -> None:
        self.visible: list[_Place] = []
        self._late: list[tuple[float, _Place]] = []

    @property
    def all(self) -> list[_Place]:
        return [*self.visible, *(place for _, place in self._late)]

    def add(self, place: _Place, now: float) -> None:
        visible_at = place[2].visible_at
        if visible_at <= now:
            insort(self.visible, place)
        else:
            heapq.heappush(self._late, (visible_at, place))

    def reveal(self, now: float) -> None:
        while self._late and self._late[0][0] <= now:
            insort(self.visible, heapq.heappop(self._late)[1])


class TradeTape:
    """A multiset of trades per wallet. Not thread-safe: `Exchange` holds the lock."""

    def __init__(self, seed: int, trades_per_minute: float, unfilled_share: float = 0.0) -> None:
        self._seed = seed
        self._trades_per_minute = trades_per_minute
        self._unfilled_share = unfilled_share
        self._wallets: dict[str, _WalletTape] = {}
        self._traders: dict[str, Trader] = {}
        self._next_bursts: list[tuple[float, str]] = []
        self._order = count()

    @property
    def addresses(self) -> list[str]:
        return list(self._wallets)

    def add_wallet(
        self, address: str, history: int, now: float, draw_market: MarketDraw, kind: type[Trader] = Trader
    ) -> None:
        """Start a wallet with `history` past trades; it trades on from `now`, in its kind's way."""
        if address in self._wallets:
            raise ValueError(f"the exchange already has the wallet {address}")
        self._wallets[address] = _WalletTape()
        self._traders[address] = trader = kind(self._seed, address, self._trades_per_minute, self._unfilled_share)
        self.add(address, trader.history(history, now, draw_market), now)
        heapq.heappush(self._next_bursts, (trader.next_burst_after(now), address))

    def add(self, address: str, trades: Iterable[SimulatedTrade], now: float) -> None:
        wallet = self._wallets[address]
        for trade in trades:
            wallet.add((trade.created_at, next(self._order), trade), now)

    def trade_until(self, moment: float, draw_market: MarketDraw, now: float) -> None:
        """Let every wallet trade up to `moment` (unix seconds)."""
        while self._next_bursts and self._next_bursts[0][0] <= moment:
            at, address = self._next_bursts[0]
            trader = self._traders[address]
            fills = trader.burst(at, draw_market)
            self.add(address, [trader.delayed(fill) for fill in fills], now)
            heapq.heapreplace(self._next_bursts, (trader.next_burst_after(at), address))

    def all_until(self, address: str, moment: float) -> list[SimulatedTrade]:
        """Every trade that the wallet made up to `moment` (unix seconds), shown yet or not, in the order made."""
        wallet = self._wallets.get(address)
        places = [] if wallet is None else sorted(wallet.all)
        return [trade for _, _, trade in places if trade.created_at <= moment]

    def transfers_until(self, address: str, moment: float) -> list[Transfer]:
        """What came to the wallet and left it without a trade, up to `moment` (unix seconds)."""
        trader = self._traders.get(address)
        return [] if trader is None else [each for each in trader.transfers if each.created_at <= moment]

    def transfer(self, address: str, transfer: Transfer) -> None:
        """Move shares to a wallet, or away from it."""
        self._traders[address].receive(transfer)

    def newest_first(self, address: str, now: float) -> list[SimulatedTrade]:
        """The wallet's visible trades; within a second the later-added first."""
        return [trade for _, _, trade in reversed(self._visible(address, now))]

    def page(self, address: str, first: int, size: int, now: float) -> tuple[list[SimulatedTrade], int]:
        """`size` trades from the `first` newest on (0 = the newest), and how many there are."""
        visible = self._visible(address, now)
        end = max(len(visible) - first, 0)
        return [trade for _, _, trade in reversed(visible[max(end - size, 0) : end])], len(visible)

    def _visible(self, address: str, now: float) -> list[_Place]:
        wallet = self._wallets.get(address)
        if wallet is None:
            return []
        wallet.reveal(now)
        return wallet.visible
