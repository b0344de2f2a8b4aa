"""Is it ready? What `check` looks at, in its order: settings, exchange, clock, who is told, and the last runs."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opinionscope.errors import (
    ApiError,
    ConfigurationError,
    KeyRefused,
    NotFound,
    OutOfTime,
    Paused,
    StoreError,
    Throttled,
)
from opinionscope.locations import API_KEY_VARIABLE, env_file
from opinionscope.locks import beside
from opinionscope.monitor.checks_of_this_machine import check_database, check_files, check_schedule
from opinionscope.monitor.findings import Finding, failure, ok, warning
from opinionscope.monitor.pings import ping_address
from opinionscope.monitor.targets import split_urls
from opinionscope.store.database import Store
from opinionscope.store.health import read_history
from opinionscope.store.sync_logs import JOBS
from opinionscope.store.whales import find_whales
from opinionscope.times import ago, from_text

if TYPE_CHECKING:
    from opinionscope.settings import Settings

SKEW_TO_WARN_OF = 5.0
SKEW_TO_FAIL_AT = 60.0
_NOBODY = "0x" + 40 * "0"
_SECONDS = 15.0


def run_checks(database: Path, now: datetime, *, named: Path | None = None) -> Iterator[Finding]:
    """All findings. `named` is the database that the user named on the command line, if any."""
    from opinionscope.settings import Settings

    try:
        settings = Settings.load()
    except ConfigurationError as error:
        yield failure("settings", str(error))
        yield warning("exchange", "not asked while the settings are wrong")
    else:
        yield check_env_file(env_file())
        yield from check_exchange(settings, database)
        yield check_alerts(settings)
        yield check_pings(settings)
    yield check_database(database)
    yield check_files(database)
    yield check_schedule(named)
    yield check_last_runs(database, now)


def check_env_file(path: Path) -> Finding:
    """Whether cron's jobs will find the settings, and nobody else will."""
    if not path.exists():
        if os.environ.get(API_KEY_VARIABLE, "").strip():
            only_here = f"{API_KEY_VARIABLE} is only in this environment, which cron does not see"
            return warning("settings", f"{only_here}: add {path}")
        return ok("settings", f"there is no {path}: the defaults hold")
    if path.stat().st_mode & 0o077:
        return warning("settings", f"others may read {path}, which holds the key: chmod 600 {path}")
    return ok("settings", f"{path} is read, and private")


def check_exchange(settings: "Settings", database: Path) -> Iterator[Finding]:
    """Whether there is a key, the exchange takes it in one real request, and the clocks agree."""
    try:
        settings.require_api_key()
    except ConfigurationError as error:
        yield failure("key", str(error))
        return
    try:
        skew = _ask_exchange(settings, database)
    except KeyRefused as error:
        yield failure("key", f"{error}: put the right one into {env_file()}")
    except (Throttled, Paused, OutOfTime) as error:
        yield warning("exchange", f"{error}: try again later; the key was not looked at")
    except ApiError as error:
        yield failure("exchange", f"{settings.base_url}: {error}. Check the network and OPINION_TRADE_BASE_URL")
    else:
        yield ok("key", "the exchange accepts it")
        yield ok("exchange", f"{settings.base_url} answers")
        yield check_clock(skew)


def check_clock(skew: float | None) -> Finding:
    """Whether this machine's clock agrees with the exchange's; `skew` is in seconds, positive if ours is ahead."""
    if skew is None:
        return warning("clock", "cannot be compared: the exchange's answer has no date")
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the exchange's"
    if abs(skew) > SKEW_TO_FAIL_AT:
        return failure("clock", f"{text}: trades would be sorted into the wrong days. Set it, and have NTP keep it")
    if abs(skew) > SKEW_TO_WARN_OF:
        return warning("clock", f"{text}: have NTP keep it")
    return ok("clock", "agrees with the exchange's")


def check_alerts(settings: "Settings") -> Finding:
    """Whether Apprise understands every alert target."""
    if settings.alert_urls is None:
        return ok("alerts", "off: OPINIONSCOPE_ALERT_URLS is not set")
    from opinionscope.monitor.courier import check_urls

    targets = check_urls(split_urls(settings.alert_urls.get_secret_value()))
    wrong = [f"{target.target} {target.problem}" for target in targets if not target.accepted]
    if wrong or not targets:
        return failure("alerts", f"{'; '.join(wrong) or 'no target'}: correct OPINIONSCOPE_ALERT_URLS")
    names = ", ".join(target.target for target in targets)
    return ok("alerts", f"to {names} after {settings.alert_after} failures; `opinionscope alert test` tries it")


def check_pings(settings: "Settings") -> Finding:
    """Whether the ping URL is one."""
    if settings.ping_url is None:
        return ok("pings", "off: OPINIONSCOPE_PING_URL is not set")
    try:
        ping_address(settings.ping_url.get_secret_value(), JOBS[0])
    except ValueError as error:
        return failure("pings", f"OPINIONSCOPE_PING_URL {error}")
    return ok("pings", "the start, success and failure of each run are reported")


def check_last_runs(database: Path, now: datetime) -> Finding:
    """How the last run of each job went."""
    try:
        with Store.open_existing(database) as store:
            histories = [read_history(store, job) for job in JOBS]
    except StoreError:
        return warning("last runs", "none: no job has run yet")
    words = list[str]()
    for history in histories:
        if history.last is None:
            words.append(f"{history.job} never")
        else:
            words.append(f"{history.job} {history.last['status']} {ago(from_text(history.last['started_at']), now)}")
    ill = any(history.streak.count or history.last is None for history in histories)
    text = ", ".join(words)
    return warning("last runs", f"{text}: `opinionscope status` says more") if ill else ok("last runs", text)


def _ask_exchange(settings: "Settings", database: Path) -> float | None:
    """Ask for a wallet's trades, once; the clock skew in seconds. Trades, since markets are shown without a key too."""
    from opinionscope.api.client import OpinionClient
    from opinionscope.api.pacer import Pacer

    once = settings.model_copy(update={"max_attempts": 1})
    deadline = time.monotonic() + _SECONDS
    with ExitStack() as stack:
        if os.access(database.parent, os.W_OK):
            pace = beside(database, "pacer")
        else:
            pace = Path(stack.enter_context(tempfile.TemporaryDirectory()), "pacer")
        pacer = Pacer(pace, settings.rate_limit)
        stack.callback(pacer.close)
        client = stack.enter_context(OpinionClient(once, pacer, connections=1, deadline=deadline))
        try:
            client.fetch_trades(_any_wallet(database), 1)
        except NotFound:
            # It has read the key and does not know the wallet.
            return client.clock_skew
        return client.clock_skew


def _any_wallet(database: Path) -> str:
    try:
        with Store.open_existing(database) as store:
            return next((str(whale["address"]) for whale in find_whales(store)), _NOBODY)
    except StoreError:
        # The check of the database says what is wrong with it.
        return _NOBODY
