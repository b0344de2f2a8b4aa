"""A simulated Opinion exchange: the same HTTP API, invented data, every failure on demand."""

from opinionscope.exchange.faults import Fault
from opinionscope.exchange.request_log import Request
from opinionscope.exchange.server import ExchangeServer
from opinionscope.exchange.state import Exchange
from opinionscope.exchange.trade import Trade

__all__ = ["Exchange", "ExchangeServer", "Fault", "Request", "Trade"]
