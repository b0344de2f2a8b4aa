"""The checks that ask the exchange: the key, the answer, and the clock."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from opinionscope.api.client import OpinionClient
from opinionscope.api.key_ring import KeyRing
from opinionscope.api.pacer import Pacer
from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.errors import (
    ApiError,
    ApiUnavailable,
    ConfigurationError,
    KeyRefused,
    LocationBlocked,
    NotFound,
    OutOfTime,
    Paused,
    StoreError,
    Throttled,
)
from opinionscope.locations import env_file
from opinionscope.locks import PACER, beside
from opinionscope.settings import Settings
from opinionscope.store.database import Store
from opinionscope.store.permissions import belongs_to_us
from opinionscope.store.whales import find_whales

SKEW_TO_WARN_OF = 5.0
SKEW_TO_FAIL_AT = 60.0
_ANY_ADDRESS = "0x" + 40 * "0"
_SECONDS = 15.0
_ANSWER_STILL_COMING = 6.0


class _Answer(NamedTuple):
    """What a request with each key found: the clock skew in seconds, and what is wrong with some of the keys."""

    skew: float | None
    key_problems: list[str]


def check_exchange(settings: Settings, database: Path) -> Iterator[Finding]:
    """Whether there are keys, the exchange accepts each in a real request, and the clocks agree."""
    try:
        settings.require_api_keys()
    except ConfigurationError as error:
        yield failure("key", str(error))
        return
    try:
        answer = _ask_in_time(settings, database)
    except KeyRefused as error:
        yield failure("key", f"{error} in {env_file()}")
    except LocationBlocked as error:
        yield failure("exchange", str(error))
    except (Throttled, Paused, OutOfTime) as error:
        yield warning("exchange", f"{error}: try again later; the key was not checked")
    except ApiError as error:
        yield failure("exchange", f"{settings.base_url}: {error}. Check the network and OPINION_TRADE_BASE_URL")
    else:
        yield from _check_keys(answer, len(settings.api_keys))
        yield ok("exchange", f"{settings.base_url} answers")
        yield check_clock(answer.skew)


def _check_keys(answer: _Answer, count: int) -> Iterator[Finding]:
    accepted = count - len(answer.key_problems)
    yield ok("key", "accepted by the exchange" if count == 1 else f"{accepted} of {count} accepted by the exchange")
    for problem in answer.key_problems:
        yield warning("key", f"{problem} in {env_file()}")


def check_clock(skew: float | None) -> Finding:
    """Whether this machine's clock agrees with the exchange's. `skew` is in seconds, positive if ours is ahead."""
    if skew is None:
        return warning("clock", "cannot be compared: the exchange's answer has no date")
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the exchange's"
    if abs(skew) > SKEW_TO_FAIL_AT:
        return failure("clock", f"{text}: trades would count for the wrong days. Set it, and keep it right with NTP")
    if abs(skew) > SKEW_TO_WARN_OF:
        return warning("clock", f"{text}: keep it right with NTP")
    return ok("clock", "agrees with the exchange's")


def _ask_in_time(settings: Settings, database: Path) -> _Answer:
    """What `_ask_exchange` returns. Raises ApiUnavailable where it takes too long, as without a name server."""
    answers: list[_Answer] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(_ask_exchange(settings, database))
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    # Nothing can end a thread that waits for a name server, so it may have to be left behind.
    asking = threading.Thread(target=ask, name="check", daemon=True)
    asking.start()
    asking.join(_SECONDS + _ANSWER_STILL_COMING)
    if failures:
        raise failures[0]
    if not answers:
        raise ApiUnavailable("no answer in time; is the name server working?")
    return answers[0]


def _ask_exchange(settings: Settings, database: Path) -> _Answer:
    """Ask for a wallet's trades, once with each key. Trades, because markets need no valid key."""
    keys, skew = KeyRing(settings.require_api_keys()), None
    wallet, deadline = _any_wallet(database), time.monotonic() + _SECONDS
    with ExitStack() as stack:
        pacer_file = beside(database, PACER)
        if not _may_use(pacer_file, database):
            pacer_file = Path(stack.enter_context(tempfile.TemporaryDirectory()), PACER)
        for position, key in enumerate(settings.api_keys):
            alone = settings.model_copy(update={"max_attempts": 1, "api_keys": (key,)})
            try:
                skew = _ask(alone, pacer_file, wallet, deadline)
            except KeyRefused as error:
                keys.set_aside(position, error)
    return _Answer(skew, keys.problems)


def _ask(settings: Settings, pacer_file: Path, wallet: str, deadline: float) -> float | None:
    """One request; the clock skew in seconds."""
    pacer = Pacer(pacer_file, settings.rate_limit, settings.key_digests)
    try:
        with OpinionClient(settings, pacer, deadline=deadline) as client:
            # An exchange that does not know the wallet has accepted the key.
            with suppress(NotFound):
                client.fetch_trades(wallet, 1)
            return client.clock_skew
    finally:
        pacer.close()


def _may_use(pacer_file: Path, database: Path) -> bool:
    """Whether the rate limit can be shared with the jobs without leaving them a file that they could not use."""
    if os.path.exists(pacer_file):
        return os.access(pacer_file, os.R_OK | os.W_OK)
    try:
        return os.access(pacer_file.parent, os.W_OK) and belongs_to_us(database)
    except OSError:
        return False


def _any_wallet(database: Path) -> str:
    try:
        with Store.open_to_read(database) as store:
            return next((whale.address for whale in find_whales(store)), _ANY_ADDRESS)
    except (StoreError, OSError):
        # The check of the database reports what is wrong with it.
        return _ANY_ADDRESS
