"""An SMTP server (aiosmtpd) in a process of its own that keeps what it takes and can refuse.

    smtp_receiver.py FOLDER [--tls starttls|ssl CERTIFICATE.pem] [--login NAME PASSWORD] [--no-utf8]

Prints its port. Each accepted message becomes FOLDER/<n>.eml with the envelope in X-Envelope-To. The
recipient's local part says what happens: "busy…" is answered 451 until FOLDER/open exists, "unknown…"
550, "full…" 452 after DATA, "spam…" 554 after DATA, "hangup…" closes the connection.
It ends when its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import ssl
import sys
import threading
import warnings
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """Takes, keeps and refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.count = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("busy") and not (self.folder / "open").exists():
            return "451 4.7.1 greylisted, come back later"
        if address.startswith("unknown"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("hangup"):
            assert server.transport is not None
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        [address] = envelope.rcpt_tos
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        if address.startswith("spam"):
            return "554 5.7.1 looks like spam"
        content = envelope.content
        assert isinstance(content, bytes)
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        with self.lock:
            self.count += 1
            head = f"X-Envelope-To: {address}\r\nX-Encrypted: {encrypted}\r\n".encode()
            (self.folder / f"{self.count}.part").write_bytes(head + content)
            (self.folder / f"{self.count}.part").rename(self.folder / f"{self.count}.eml")
        return "250 kept"


class AnyPort(Controller):
    """A controller that finds out which port it got before it probes it."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def main() -> None:
    """Serve until standard input is closed."""
    # aiosmtpd rightly warns of logins without TLS; here they are the point.
    warnings.simplefilter("ignore")
    logging.disable()
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tls", nargs=2, default=("", ""))
    parser.add_argument("--login", nargs=2, default=None)
    parser.add_argument("--no-utf8", action="store_true")
    asked = parser.parse_args()
    kind, certificate = asked.tls
    context = None
    if kind:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and asked.login == [
            data.login.decode(),
            data.password.decode(),
        ]
        return AuthResult(success=right, handled=right)

    controller = AnyPort(
        Mailbox(asked.folder),
        hostname="127.0.0.1",
        port=0,
        ssl_context=context if kind == "ssl" else None,
        tls_context=context if kind == "starttls" else None,
        require_starttls=kind == "starttls",
        enable_SMTPUTF8=not asked.no_utf8,
        authenticator=authenticate if asked.login else None,
        auth_required=bool(asked.login),
        auth_require_tls=kind == "starttls",
    )
    controller.start()
    print(controller.port, flush=True)
    sys.stdin.read()
    controller.stop()


if __name__ == "__main__":
    main()
