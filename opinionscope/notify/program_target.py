"""A program as a target: it gets one JSON document on its standard input, and is killed if it takes too long.

It is run without a shell and without arguments, in a session of its own, so that what it has started ends with it. What
it prints is thrown away, since it may hold secrets; its exit status says whether it has accepted the document.
"""

import os
import signal
import subprocess
from contextlib import suppress

from opinionscope.notify.address_book import ALERT_URLS, TARGET_PREFIX, is_valid_program
from opinionscope.notify.message import Delivery

_SECRETS = ("OPINION_TRADE_API_KEY", ALERT_URLS, "OPINIONSCOPE_PING_URL")


def run_program(path: str, document: str, seconds: float) -> Delivery:
    """Give a program the document. Never raises: a problem becomes part of the delivery."""
    target = f"exec:{os.path.basename(path)}"
    if not is_valid_program(path):
        return Delivery("exec:…", "isn't an absolute path; expected exec:/absolute/program")
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and the path is a setting of the user's
            [path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Delivery(target, f"could not be started: {getattr(error, 'strerror', None) or 'invalid path'}")
    try:
        process.communicate(document.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        return Delivery(target, f"did not end within {seconds:.0f} s")
    finally:
        _end(process)
    return Delivery(target, _problem(process.returncode))


def _problem(status: int) -> str | None:
    if status < 0:
        return f"was killed by signal {-status}"
    return f"exited with status {status}" if status else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the program and of what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    process.wait()


def _environment() -> dict[str, str]:
    """The environment without the key and without the addresses of targets."""
    return {
        name: text for name, text in os.environ.items() if name not in _SECRETS and not name.startswith(TARGET_PREFIX)
    }
