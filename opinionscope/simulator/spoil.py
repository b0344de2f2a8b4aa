"""What a fault is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from opinionscope.simulator.response import Envelope, Response


@dataclass(frozen=True, slots=True)
class Spoil:
    """An honest answer about to be spoiled.

    `replay(page)` is the honest answer to the same request for another page; `nth` counts from 0 how often
    this fault has struck; `now` is in unix seconds, `port` the server's own; `key` is the apikey of the request.
    """

    answer: Response
    replay: Callable[[int], Response]
    envelope: Envelope
    now: float
    port: int
    key: str
    nth: int
    random: Random


SpoilFunction = Callable[[Spoil], Response]
