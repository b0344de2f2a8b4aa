"""The checks of the env file, the alert targets and the ping URL. Nothing is sent."""

import os
from pathlib import Path

from opinionscope.alerts.pings import ping_address
from opinionscope.check.finding import Finding, failure, ok, warning
from opinionscope.job_table import JOBS
from opinionscope.locations import API_KEY_VARIABLE
from opinionscope.notify.targets import split_urls
from opinionscope.settings import Settings


def check_env_file(path: Path) -> Finding:
    """Whether cron's jobs will find the settings, and nobody else can read them."""
    if not path.exists():
        if os.environ.get(API_KEY_VARIABLE, "").strip():
            only_here = f"{API_KEY_VARIABLE} is set only in this environment, which cron does not see"
            return warning("settings", f"{only_here}: add it to {path}")
        return ok("settings", f"{path} does not exist: using defaults")
    if path.stat().st_mode & 0o077:
        return warning("settings", f"other users can read {path}, which holds the key: run `chmod 600 {path}`")
    return ok("settings", f"{path} is readable only by you")


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
