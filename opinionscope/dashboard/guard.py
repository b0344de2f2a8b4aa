"""The guard in front of Datasette: which requests it answers, and what its pages may do in a browser."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_OWN_NAMES = {b"127.0.0.1", b"localhost"}
_OWN_PAGES = "/-/dashboards"
_POLICY = (
    "default-src 'none'; script-src 'self'{inline}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """Answers only requests that read, and only under this machine's own name.

    Another site can point its own host name at 127.0.0.1 and read what is served there (DNS rebinding), so the name is
    checked. CSV is refused because a spreadsheet treats a title that begins with `=` as a formula. The content security
    policy keeps pages from loading anything from another host, and the dashboards from running inline scripts.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal:
            await _refuse(send, *refusal)
            return
        headers = _headers(scope["path"])

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self._application(scope, receive, send_guarded)


def _refusal(scope: Scope) -> tuple[int, bytes] | None:
    host = dict(scope["headers"]).get(b"host", b"").rsplit(b":", 1)[0]
    if host not in _OWN_NAMES:
        return 421, b"This server answers to 127.0.0.1 and localhost.\n"
    if scope["method"] not in {"GET", "HEAD"}:
        return 405, b"This server is read-only.\n"
    if scope["path"].endswith(".csv") or b"_format=csv" in scope["query_string"]:
        return 403, b"CSV is not available, because a spreadsheet may treat a title as a formula. Use .json instead.\n"
    return None


async def _refuse(send: Send, status: int, text: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    # Datasette's own pages contain inline scripts.
    policy = _POLICY.format(inline="" if path.startswith(_OWN_PAGES) else " 'unsafe-inline'")
    return [
        (b"content-security-policy", policy.encode()),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]
