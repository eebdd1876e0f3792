"""The HTTP side of the simulator: posts statements and events like an LMS, a simulation, a CRM would.

Batches of at most 50, real Basic credentials, a re-send after 429, 503 or a broken
connection, and one rule that senders have to keep: the same statement never stands
twice in one post. What is refused for good is counted and shown, never dropped silently.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import msgspec

from carrythrough.testing.simulator import Delivery

BATCH_MAX = 50
"""Statements or events in one post, as xapipe and other forwarders do it."""
TIMEOUT_S = 10.0
RETRIES_MAX = 20
"""Tries of one post before the sender gives up and says so."""
BACKOFF_MAX_S = 5.0
PATHS = {"statement": "/xapi/statements", "event": "/v1/performance-events"}


class Sent(msgspec.Struct):
    """What was sent so far. known: recognised by the server as sent before. refused: for good."""

    statements: int = 0
    events: int = 0
    known: int = 0
    refused: int = 0
    retried: int = 0
    first_refusal: str = ""


class SenderStoppedError(Exception):
    """The sender was told to stop while it waited for another try."""


class Sender:
    """Posts deliveries in order. stopping: asked between tries, so that a stop never waits long.

    logins: (key, secret) of Basic credentials by kind, "statement" and "event".
    """

    def __init__(self, url: str, logins: dict[str, tuple[str, str]], stopping: Callable[[], bool]) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S)
        self._logins = logins
        self._stopping = stopping
        self._waiting: dict[str, list[bytes]] = {"statement": [], "event": []}
        self._ids: dict[str, set[Any]] = {"statement": set(), "event": set()}
        self.sent = Sent()

    def send(self, deliveries: Iterable[Delivery]) -> None:
        """Post the deliveries, full batches at once and the rest at the end; raises SenderStoppedError."""
        for delivery in deliveries:
            self._add(delivery)
        self.flush()

    def flush(self) -> None:
        """Post what is waiting."""
        for kind in PATHS:
            self._post(kind)

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def _add(self, delivery: Delivery) -> None:
        kind = delivery.kind
        raw = msgspec.json.encode(delivery.payload)
        # Moodle sends no ids: there the content is what must not stand twice in one post.
        identity = (
            (delivery.payload.get("source"), delivery.payload.get("id")) if "id" in delivery.payload else raw
        )
        if identity in self._ids[kind] or len(self._waiting[kind]) >= BATCH_MAX:
            self._post(kind)
        self._ids[kind].add(identity)
        self._waiting[kind].append(raw)

    def _post(self, kind: str) -> None:
        batch = self._waiting[kind]
        if not batch:
            return
        headers = {"Content-Type": "application/json"}
        if kind == "statement":
            headers["X-Experience-API-Version"] = "1.0.3"
        body = b"[" + b",".join(batch) + b"]"
        response = self._until_answered(kind, body, headers)
        if response.is_success:
            self._count(kind, len(batch), response)
        else:
            self.sent.refused += len(batch)
            self.sent.first_refusal = self.sent.first_refusal or _refusal(response)
        self._waiting[kind] = []
        self._ids[kind].clear()

    def _count(self, kind: str, count: int, response: httpx.Response) -> None:
        if kind == "statement":
            self.sent.statements += count
        else:
            self.sent.events += count
            self.sent.known += response.json().get("known", 0)

    def _until_answered(self, kind: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Return the first answer that is not a passing fault; after RETRIES_MAX the last one, or raise."""
        for attempt in range(RETRIES_MAX):
            wait_s = min(BACKOFF_MAX_S, 0.1 * 2.0**attempt)
            try:
                response = self._client.post(
                    PATHS[kind], content=body, headers=headers, auth=self._logins[kind]
                )
            except httpx.TransportError:
                if attempt == RETRIES_MAX - 1:
                    raise
            else:
                if response.status_code not in (429, 503) or attempt == RETRIES_MAX - 1:
                    return response
                wait_s = _retry_after_s(response, wait_s)
            self.sent.retried += 1
            self._sleep(wait_s)
        raise AssertionError("unreachable: the last try returns or raises")

    def _sleep(self, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if self._stopping():
                raise SenderStoppedError
            time.sleep(min(0.05, wait_s))


def _retry_after_s(response: httpx.Response, otherwise_s: float) -> float:
    """Return what Retry-After asks for in seconds, bounded; dates and nonsense fall back to our own wait."""
    asked = response.headers.get("Retry-After", "")
    return min(BACKOFF_MAX_S, float(asked)) if asked.isdecimal() else otherwise_s


def _refusal(response: httpx.Response) -> str:
    try:
        problem = response.json()
        words = [problem.get("title"), problem.get("detail"), problem.get("where"), problem.get("fix")]
        return f"HTTP {response.status_code}: " + " · ".join(word for word in words if word)
    except (ValueError, AttributeError):
        return f"HTTP {response.status_code}: {response.text[:200]}"
