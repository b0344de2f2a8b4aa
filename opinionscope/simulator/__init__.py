"""A simulated Opinion exchange: the same HTTP API, invented data, every failure on demand."""

from opinionscope.simulator.faults import Fault
from opinionscope.simulator.request_log import Request
from opinionscope.simulator.server import ExchangeServer
from opinionscope.simulator.simulated_trade import SimulatedTrade
from opinionscope.simulator.state import Exchange

__all__ = ["Exchange", "ExchangeServer", "Fault", "Request", "SimulatedTrade"]
