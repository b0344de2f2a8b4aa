"""Serves the dashboard on the loopback interface until Ctrl-C or SIGTERM."""

import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from opinionscope.errors import OpinionscopeError

_HOST = "127.0.0.1"
_SECONDS_TO_FINISH = 2
_PACKAGES = ("datasette", "datasette_dashboards", "uvicorn")


def require_packages() -> None:
    """Raises OpinionscopeError, which says how to install them, if the packages of the extra are missing."""
    if not all(find_spec(name) for name in _PACKAGES):
        raise OpinionscopeError(
            "The dashboard needs packages that are not installed: "
            f"run `{sys.executable} -m pip install 'opinionscope[dashboard]'`."
        )


def serve_dashboard(database: Path, port: int, rate_limit: float, listening: Callable[[str], None]) -> None:
    """Serve the database, read-only, until a signal ends it; `listening` is called once with the address.

    `port` 0 means any free one; `rate_limit` is the setting, in requests a second. Raises OpinionscopeError if the port
    is not available.
    """
    listener = _listen(port)
    with listener:
        import uvicorn

        from opinionscope.dashboard.site import build_site

        site = build_site(database, rate_limit)
        server = uvicorn.Server(
            uvicorn.Config(
                site.app(),
                log_level="error",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_SECONDS_TO_FINISH,
            )
        )

        # uvicorn stops on these signals and raises them again afterwards, when they must not kill the process either.
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: setattr(server, "should_exit", True))
        listening(f"http://{_HOST}:{listener.getsockname()[1]}/")
        server.run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        reason = error.strerror or error
        raise OpinionscopeError(f"Cannot listen on port {port} ({reason}); choose another with --port.") from None
