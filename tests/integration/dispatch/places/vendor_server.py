"""The HTTP of Slack and of the workflows of Teams, as the vendors document it, in a process of its own.

    vendor_server.py

Prints its port. What it holds its clients to, and where that is written, stands at each function. PUT /control
{"status": …, "body": …, "headers": {…}, "times": n} sets how the next n requests are answered; GET /seen returns
what came. It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "xoxb-of-the-robot"
PEOPLE = {"dana@example.org": "U0DANA"}
CHANNELS = ("C0LEARN", "U0DANA")
TEAMS_BYTES_MAX = 28 * 1024

_lock = threading.Lock()
_seen: list[dict[str, Any]] = []
_control: dict[str, Any] = {"times": 0}


def slack_message_fault(message: Any) -> str:
    """Return what Slack would refuse of a message (reference: Block Kit, Blocks; chat.postMessage, Errors)."""
    if not isinstance(message, dict) or not (message.get("text") or message.get("blocks")):
        return "no_text"
    blocks = message.get("blocks", [])
    if len(blocks) > 50:
        return "invalid_blocks"
    for block in blocks:
        limit = {"header": 150, "section": 3000}.get(block["type"])
        if limit is not None and not 1 <= len(block["text"]["text"]) <= limit:
            return "invalid_blocks"
        for element in block.get("elements", []):
            if element["type"] == "button" and not 1 <= len(element["url"]) <= 3000:
                return "invalid_blocks"
            if element["type"] == "plain_text" and not 1 <= len(element["text"]) <= 3000:
                return "invalid_blocks"
    metadata = message.get("metadata")
    if metadata is not None and not (
        metadata.get("event_type") and isinstance(metadata["event_payload"], dict)
    ):
        return "invalid_metadata_format"
    return ""


def slack(method: str, query: dict[str, list[str]], token: str, message: Any) -> tuple[int, Any]:
    """Answer a call of the Web API: 200 with `ok`, whatever is wrong (Web API basics, Evaluating responses)."""
    if not token:
        return 200, {"ok": False, "error": "not_authed"}
    if token != f"Bearer {TOKEN}":
        return 200, {"ok": False, "error": "invalid_auth"}
    if method == "auth.test":
        return 200, {"ok": True, "team": "Example", "user": "carrythrough", "bot_id": "B0"}
    if method == "users.lookupByEmail":
        found = PEOPLE.get(query.get("email", [""])[0])
        return 200, {"ok": True, "user": {"id": found}} if found else {
            "ok": False,
            "error": "users_not_found",
        }
    if method == "chat.postMessage":
        if message.get("channel") not in CHANNELS:
            return 200, {"ok": False, "error": "channel_not_found"}
        fault = slack_message_fault(message)
        if fault:
            return 200, {"ok": False, "error": fault}
        return 200, {"ok": True, "channel": message["channel"], "ts": "1700000000.000100"}
    return 200, {"ok": False, "error": "unknown_method"}


def teams(body: bytes, message: Any) -> tuple[int, Any]:
    """Answer as the trigger of a workflow does: 202 and nothing (Create incoming webhooks with Workflows)."""
    if len(body) > TEAMS_BYTES_MAX:
        return 413, "Request Entity Too Large"
    [attachment] = message["attachments"]
    card = attachment["content"]
    right = (
        message["type"] == "message"
        and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        and card["type"] == "AdaptiveCard"
        and all(block["text"] for block in card["body"])
    )
    for entity in card["msteams"][
        "entities"
    ]:  # Format cards, Mention: the text of an entity stands in the card
        right = right and any(entity["text"] in block["text"] for block in card["body"])
    return (202, "") if right else (400, {"error": {"code": "InvalidBotAdaptiveCard"}})


class Handler(BaseHTTPRequestHandler):
    """Routes by path: /api/METHOD, /services/… (Slack webhook), /workflows/… (Teams)."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/seen":
            with _lock:
                self._reply(200, list(_seen), {})
            return
        self._vendor(b"")

    def do_PUT(self) -> None:
        body = self._body()
        with _lock:
            _control.clear()
            _control.update({"times": 1, **json.loads(body)})
        self._reply(200, {}, {})

    def do_POST(self) -> None:
        self._vendor(self._body())

    def log_message(self, *_: object) -> None:
        pass

    def _vendor(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        message = json.loads(body) if body else {}
        with _lock:
            canned = dict(_control) if _control["times"] > 0 else None
            _control["times"] -= 1
        if canned is not None:
            status, answer = canned["status"], canned.get("body", "")
        elif parts.path.startswith("/api/"):
            method = parts.path.removeprefix("/api/")
            status, answer = slack(
                method, parse_qs(parts.query), self.headers.get("authorization", ""), message
            )
        elif parts.path.startswith("/services/"):
            status, answer = (400, "invalid_payload") if slack_message_fault(message) else (200, "ok")
        elif parts.path == "/apprise":  # Apprise's own JSON notification (appriseit.com/services/json)
            status, answer = (200, "ok") if message.get("message") else (400, "no message")
        else:
            status, answer = teams(body, message)
        with _lock:
            _seen.append({"path": parts.path, "message": message, "status": status, "answer": answer})
        self._reply(status, answer, canned.get("headers", {}) if canned else {})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def _reply(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> None:
    """Serve until standard input is closed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
