"""How far each target has come, as values, and the port that keeps it durably."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from carrythrough.forward.items import Batch


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where one feed of one target stands.

    position: the target has acknowledged everything up to here, or refused it for good. failures: tries in a
    row that failed; since `failing_since_ms`, the last with `error`. due_ms: not before. sent: acknowledged in all.
    """

    position: int = 0
    sent: int = 0
    failures: int = 0
    failing_since_ms: int = 0
    due_ms: int = 0
    error: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that a target refuses for good. text: only of our own statements; others are in the log."""

    key: int
    id: str
    version: str
    status: int
    reason: str
    text: bytes = b""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A refused statement as it is kept. state: "dead", or "replay" once it is to be sent again."""

    entry: int
    target: str
    feed: str
    refused: Refused
    at_ms: int
    state: str


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """An action whose delivery a target is told of. outcome: "delivered", "closed" without, or "pending"."""

    action: str
    body: bytes
    outcome: str


class Progress(Protocol):
    """Keeps the standings and the dead letters; each call that changes something is one durable transaction."""

    def standing(self, target: str, feed: str) -> Standing | None:
        """Return where a feed stands, None before its first batch."""
        ...

    def advance(self, target: str, feed: str, batch: Batch, refused: Sequence[Refused], now_ms: int) -> None:
        """Note that everything up to `batch.last` is settled, what was refused, and what is awaited."""
        ...

    def fail(self, target: str, feed: str, standing: Standing) -> None:
        """Note a failed try; the position stays."""
        ...

    def replays(self, target: str, limit: int) -> list[DeadLetter]:
        """Return dead letters that are to be sent again."""
        ...

    def settle_replay(self, entry: int, refused: Refused | None, now_ms: int) -> None:
        """Forget a dead letter that was taken, or keep it with the new reason."""
        ...

    def awaited(self, target: str, limit: int) -> list[Awaited]:
        """Return actions that a target waits for and that are closed by now."""
        ...

    def settle_awaited(
        self, target: str, actions: Sequence[str], refused: Sequence[Refused], now_ms: int
    ) -> None:
        """Forget awaited actions that were told of, or never left."""
        ...

    def dead_count(self, target: str) -> int:
        """Return how many dead letters a target has."""
        ...
