"""The outbox of the embedded shell: rows that the fold wrote with the state, closed by the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.store import StateFile
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.ports import OutboxEntry

_decode = msgspec.json.Decoder(ActionRequested).decode


class SqliteOutbox:
    """Implements `ports.Outbox` over `state.sqlite` with a connection of its own."""

    def __init__(self, state: StateFile) -> None:
        self._lock = state.lock
        self._connection = connect(state.path)

    def due(self, now_ms: int, limit: int, adapter: str = "") -> Sequence[OutboxEntry]:
        """Return pending entries due at `now_ms`, oldest first, of one adapter where one is named."""
        chosen, values = ("adapter=? AND", (adapter,)) if adapter else ("", ())
        with self._lock:
            rows = select(
                self._connection,
                "SELECT entry, adapter, body, attempts, due_ms FROM outbox"
                f" WHERE {chosen} status='pending' AND due_ms<=? ORDER BY due_ms, entry LIMIT ?",
                (*values, now_ms, limit),
            )
        return [
            OutboxEntry(
                entry=entry, adapter=adapter, action=_decode(bytes(body)), attempts=attempts, due_ms=due
            )
            for entry, adapter, body, attempts, due in rows
        ]

    def delivered(self, receipts: Sequence[tuple[int, str]], now_ms: int) -> None:
        """Close entries as delivered, in one transaction: a commit waits for the disk, however many it closes."""
        with self._lock, self._connection:
            self._connection.executemany(
                "UPDATE outbox SET status='delivered', receipt=?, error='', closed_ms=?, attempts=attempts+1"
                " WHERE entry=? AND status='pending'",
                [(receipt, now_ms, entry) for entry, receipt in receipts],
            )

    def retry(self, entry: int, error: str, due_ms: int) -> None:
        """Count a failed try and make the entry due again."""
        with self._lock:
            self._connection.execute(
                "UPDATE outbox SET attempts=attempts+1, error=?, due_ms=? WHERE entry=? AND status='pending'",
                (error, due_ms, entry),
            )

    def give_up(self, entry: int, reason: str, now_ms: int) -> None:
        """Close an entry as a dead letter."""
        self._close(entry, "dead", reason, now_ms, attempt=True)

    def skip(self, entry: int, reason: str, now_ms: int) -> None:
        """Close an entry that must not be sent any more."""
        self._close(entry, "skipped", reason, now_ms, attempt=False)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def _close(self, entry: int, status: str, error: str, now_ms: int, *, attempt: bool) -> None:
        with self._lock:
            self._connection.execute(
                "UPDATE outbox SET status=?, receipt='', error=?, closed_ms=?, attempts=attempts+?"
                " WHERE entry=? AND status='pending'",
                (status, error, now_ms, int(attempt), entry),
            )
