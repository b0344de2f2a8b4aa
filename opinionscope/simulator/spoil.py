"""What a fault is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from opinionscope.simulator.response import Envelope, Response


class Replay(Protocol):
    """Answers the same request for another page."""

    def __call__(self, page: int, limit: int | None = None) -> Response: ...


@dataclass(frozen=True, slots=True)
class Spoil:
    """An honest answer about to be spoiled.

    `replay(page, limit)` is the honest answer to the same request for another page, or with another limit (None: the
    same), whatever the API allows; `page` is the page that was asked for. `nth` counts from 0 how often this fault has
    struck; `now` is in unix seconds, `port` the server's own; `key` is the apikey of the request.
    """

    answer: Response
    replay: Replay
    page: int
    envelope: Envelope
    now: float
    port: int
    key: str
    nth: int
    random: Random


SpoilFunction = Callable[[Spoil], Response]
