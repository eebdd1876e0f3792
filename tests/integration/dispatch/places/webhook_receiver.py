"""A webhook receiver in a process of its own, as an integrator would write it, that can also misbehave.

    webhook_receiver.py SECRET[,SECRET…] [CERTIFICATE.pem]

Prints its port. POST /hook verifies the signature with `standardwebhooks` and remembers what came.
PUT /control sets how the next requests are answered: {"mode": ..., "times": n (then "ok"), and what
the mode needs}. GET /seen returns what came. It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

SECRETS = sys.argv[1].split(",")
HANG_S = 60.0

_lock = threading.Lock()
_seen: list[dict[str, Any]] = []
_control: dict[str, Any] = {"mode": "ok"}


def verified_by(body: bytes, headers: dict[str, str]) -> list[int]:
    """Return the positions of the secrets with which the request verifies."""
    found = []
    for position, secret in enumerate(SECRETS):
        try:
            Webhook(secret).verify(body, headers)
            found.append(position)
        except (WebhookVerificationError, ValueError):
            continue
    return found


class Receiver(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        with _lock:
            self.reply(200, json.dumps(_seen).encode())

    def do_PUT(self) -> None:
        asked = json.loads(self.body())
        with _lock:
            _control.clear()
            _control.update(asked)
            if asked.get("forget"):
                _seen.clear()
        self.reply(200, b"{}")

    def do_POST(self) -> None:
        body = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with _lock:
            control = dict(_control)
            _seen.append(
                {
                    "path": self.path,
                    "id": headers.get("webhook-id", ""),
                    "verified_by": verified_by(body, headers),
                    "signatures": len(headers.get("webhook-signature", "").split()),
                    "body": body.decode(),
                    "headers": headers,
                    "mode": control["mode"],
                    "at": time.time(),
                }
            )
            if "times" in _control:
                _control["times"] -= 1
                if _control["times"] <= 0:
                    _control.clear()
                    _control["mode"] = "ok"
        getattr(self, "mode_" + control["mode"])(control)

    def mode_ok(self, _: dict[str, Any]) -> None:
        self.reply(200, b'{"ok": true}')

    def mode_status(self, control: dict[str, Any]) -> None:
        said = control.get("said", "no").encode()
        self.reply(control["status"], said, control.get("headers", {}))

    def mode_hang(self, _: dict[str, Any]) -> None:
        time.sleep(HANG_S)
        self.close_connection = True

    def mode_slow(self, control: dict[str, Any]) -> None:
        time.sleep(control["seconds"])
        self.reply(200, b"{}")

    def mode_drip(self, control: dict[str, Any]) -> None:
        """Answer at once, then send the body byte by byte for a minute."""
        self.send_response(control.get("status", 500))
        self.send_header("content-length", "100000")
        self.end_headers()
        for _ in range(int(HANG_S / 0.1)):
            try:
                self.wfile.write(b"x")
            except OSError:
                break
            time.sleep(0.1)
        self.close_connection = True

    def mode_huge(self, control: dict[str, Any]) -> None:
        """Answer with 200 MB, as far as the other side reads them."""
        self.send_response(control["status"])
        self.send_header("content-length", str(200_000_000))
        self.end_headers()
        sent = 0
        try:
            for _ in range(200):
                self.wfile.write(b"A" * 1_000_000)
                sent += 1_000_000
        except OSError:
            pass
        with _lock:
            _seen[-1]["sent_bytes"] = sent
        self.close_connection = True

    def mode_garbage(self, _: dict[str, Any]) -> None:
        self.wfile.write(b"\x00\xff\xfe this is not HTTP\r\n\r\n")
        self.close_connection = True

    def mode_reset(self, _: dict[str, Any]) -> None:
        """Take the request and hang up without a word."""
        self.close_connection = True

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server that is not surprised when a sender hangs up or dies."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet."""


def main() -> None:
    """Serve until standard input is closed."""
    server = Server(("127.0.0.1", 0), Receiver)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
