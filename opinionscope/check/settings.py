"""The checks of the env file, the alert targets and the ping URL. Nothing is sent."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from opinionscope.alerts.pings import ping_address
from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.env_files import is_null_device
from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS
from opinionscope.locations import API_KEY_VARIABLE, read_environment, settings_in_file
from opinionscope.notify.address_book import (
    DEFAULT_TARGET,
    TARGET_PREFIX,
    AddressBook,
    is_valid_program,
    program_of,
    target_name,
    variable_of,
)
from opinionscope.notify.targets import split_urls
from opinionscope.settings import Settings

_OUR_PREFIXES = ("OPINIONSCOPE_", "OPINION_TRADE_")


def check_env_file(path: Path) -> Finding:
    """Whether cron's jobs will find the settings, and nobody else can read them."""
    if not os.path.exists(path) or is_null_device(path):
        if os.environ.get(API_KEY_VARIABLE, "").strip():
            only_here = f"{API_KEY_VARIABLE} is set only in this environment, which cron does not see"
            return warning("settings", f"{only_here}: add it to {path}")
        reason = "is empty" if is_null_device(path) else "does not exist"
        return ok("settings", f"{path} {reason}: using defaults")
    if path.stat().st_mode & 0o077:
        return warning("settings", f"other users can read {path}, which holds the key: run `chmod 600 {path}`")
    return ok("settings", f"{path} is readable only by you")


def check_names() -> Iterator[Finding]:
    """Whether every variable with one of our prefixes is a setting, and none hides that of the env file.

    Where the env file cannot be read, another check says so.
    """
    try:
        in_file = settings_in_file()
    except ConfigurationError:
        in_file = {}
    ours = {name: text for name, text in os.environ.items() if name.startswith(_OUR_PREFIXES)}
    given = {name for name in ours | in_file if name.startswith(_OUR_PREFIXES)}
    known = Settings.names() | {name for name in given if _names_a_target(name)}
    for name in sorted(given - known):
        similar = get_close_matches(name, known, n=1)
        advice = f": did you mean {similar[0]}?" if similar else ", and has no effect"
        yield warning("settings", f"{name} is not a setting of opinionscope{advice}")
    for name in sorted(known & ours.keys() & in_file.keys()):
        if ours[name].strip() and in_file[name].strip() not in ("", ours[name].strip()):
            yield warning("settings", f"{name} in this environment overrides the env file, which is what cron reads")


def _names_a_target(variable: str) -> bool:
    name = target_name(variable.removeprefix(TARGET_PREFIX))
    return variable.startswith(TARGET_PREFIX) and name not in ("", DEFAULT_TARGET)


def check_targets() -> Iterator[Finding]:
    """Whether each named target has an address that can be used; without any, there is nothing to find."""
    try:
        book = AddressBook.of(read_environment())
    except ConfigurationError:
        return
    for name in book.names:
        if name == DEFAULT_TARGET:
            continue
        problem = _problem_of(book.address(name) or "")
        if problem:
            yield failure("targets", f"{name} {problem}: correct {variable_of(name)}")
        else:
            yield ok("targets", f"{name} can be told; try it with `opinionscope alert test --to {name}`")


def _problem_of(address: str) -> str | None:
    program = program_of(address)
    if program is None:
        # Apprise takes half a second to load.
        from opinionscope.notify.apprise_target import check_urls

        return check_urls([address])[0].problem
    if not is_valid_program(program):
        return "isn't an absolute path; expected exec:/absolute/program"
    return None if os.access(program, os.X_OK) and os.path.isfile(program) else "isn't a program that can be run"


def check_alerts(settings: Settings) -> Finding:
    """Whether Apprise understands every alert target."""
    if settings.alert_urls is None:
        return ok("alerts", "off: OPINIONSCOPE_ALERT_URLS is not set")
    # Apprise takes half a second to load.
    from opinionscope.notify.apprise_target import check_urls

    targets = check_urls(split_urls(settings.alert_urls.get_secret_value()))
    wrong = [f"{target.target} {target.problem}" for target in targets if not target.accepted]
    if wrong or not targets:
        return failure("alerts", f"{'; '.join(wrong) or 'no target'}: correct OPINIONSCOPE_ALERT_URLS")
    names = ", ".join(target.target for target in targets)
    return ok("alerts", f"to {names} after {settings.alert_after} failures; try them with `opinionscope alert test`")


def check_pings(settings: Settings) -> Finding:
    """Whether the ping URL is valid."""
    if settings.ping_url is None:
        return ok("pings", "off: OPINIONSCOPE_PING_URL is not set")
    try:
        ping_address(settings.ping_url.get_secret_value(), JOBS[0].name)
    except ValueError as error:
        return failure("pings", f"OPINIONSCOPE_PING_URL {error}")
    return ok("pings", "each run's start and its success or failure are reported")
