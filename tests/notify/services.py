"""Local stand-ins for the services that messages go to: what arrives at their addresses."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest


@dataclass
class Services:
    """A receiver of HTTP and one of mail, and the Apprise URLs that lead to them."""

    http_port: int
    mail_port: int
    bodies: list[bytes] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def urls(self) -> dict[str, str]:
        """The URL of each service by name, as its plugin takes it."""
        slack = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        return {
            "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
            "telegram as Markdown": "tgram://123456789:abcdefg_hijklmnop/12315544/?format=markdown",
            "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js/",
            "discord as Markdown": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js/?format=markdown",
            "slack": slack,
            "slack as Markdown": f"{slack}?format=markdown",
            "mail": f"mailto://anna:pass@127.0.0.1:{self.mail_port}/?mode=insecure&from=a@b.example&to=c@d.example&format=text",
            "json": f"json://127.0.0.1:{self.http_port}/",
        }

    def last(self) -> dict[str, Any]:
        """The document that arrived last."""
        return dict(json.loads(self.bodies[-1]))


class _HttpHandler(BaseHTTPRequestHandler):
    services: Services

    def do_POST(self) -> None:
        """Take what comes, and answer as the service would."""
        self.services.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = b"ok" if self.path.startswith("/slack") else b'{"ok": true, "result": {"message_id": 1}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _MailHandler(socketserver.StreamRequestHandler):
    services: Services

    def handle(self) -> None:
        """Take one mail, as RFC 5321 has it, from anybody."""
        self._say("220 local")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"EHLO":
                self._say("250-local", "250 AUTH PLAIN LOGIN")
            elif word == b"AUTH":
                self._say("235 yes")
            elif word == b"DATA":
                self._say("354 go on")
                self._take_mail()
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 yes")

    def _take_mail(self) -> None:
        lines = list[bytes]()
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.services.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def local_services(patch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Services on this machine, to which the plugins of the real ones are pointed."""
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram

    place = ("127.0.0.1", 0)
    handlers: list[Any] = [type("Handler", (kind,), {}) for kind in (_HttpHandler, _MailHandler)]
    with ThreadingHTTPServer(place, handlers[0]) as http, socketserver.ThreadingTCPServer(place, handlers[1]) as mail:
        http.daemon_threads = mail.daemon_threads = True
        services = Services(http.server_address[1], mail.server_address[1])
        for server, handler in zip((http, mail), handlers, strict=True):
            handler.services = services
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{http.server_address[1]}"
        patch.setattr(NotifyTelegram, "notify_url", f"{address}/bot")
        patch.setattr(NotifyDiscord, "notify_url", f"{address}/discord")
        patch.setattr(NotifySlack, "webhook_url", f"{address}/slack")
        try:
            yield services
        finally:
            http.shutdown()
            mail.shutdown()
