"""The in-memory twin of the outbox: the same contract as the durable ones, for tests and tools.

`tests/contract/test_outbox.py` holds it and every other implementation to that contract.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from carrythrough.pipeline.effects import ActionRequested
from carrythrough.ports import OutboxEntry


class OutboxRow(msgspec.Struct, kw_only=True):
    """What became of one action for one adapter.

    status: "pending" | "delivered" | "dead" | "skipped". attempts: tries so far, the last included.
    words: the receipt of a delivered row, else the last error or reason. closed_ms: 0 while pending.
    """

    entry: int
    adapter: str
    action: ActionRequested
    due_ms: int
    status: str = "pending"
    attempts: int = 0
    words: str = ""
    closed_ms: int = 0


class MemoryOutbox:
    """An `Outbox` in a dictionary; safe to use from several threads."""

    def __init__(self) -> None:
        self._rows: dict[int, OutboxRow] = {}
        self._lock = threading.Lock()

    def put(self, action: ActionRequested, adapter: str, due_ms: int = 0) -> int:
        """Add an action for an adapter and return its entry; the same pair again returns the same entry."""
        with self._lock:
            for row in self._rows.values():
                if row.action.id == action.id and row.adapter == adapter:
                    return row.entry
            entry = len(self._rows) + 1
            self._rows[entry] = OutboxRow(entry=entry, adapter=adapter, action=action, due_ms=due_ms)
            return entry

    def row(self, entry: int) -> OutboxRow:
        """Return a copy of a row; raises KeyError for an unknown entry."""
        with self._lock:
            return msgspec.structs.replace(self._rows[entry])

    def rows(self, status: str = "") -> list[OutboxRow]:
        """Return copies of all rows, or of those with a status, in the order of `put`."""
        with self._lock:
            found = [row for row in self._rows.values() if status in ("", row.status)]
            return [msgspec.structs.replace(row) for row in found]

    def due(self, now_ms: int, limit: int, adapter: str = "") -> Sequence[OutboxEntry]:
        """Return pending entries due at `now_ms`, oldest first, at most `limit`, perhaps of one adapter."""
        with self._lock:
            found = [
                row
                for row in self._rows.values()
                if row.status == "pending" and row.due_ms <= now_ms and adapter in ("", row.adapter)
            ]
            found.sort(key=lambda row: (row.due_ms, row.entry))
            return [
                OutboxEntry(
                    entry=row.entry,
                    adapter=row.adapter,
                    action=row.action,
                    attempts=row.attempts,
                    due_ms=row.due_ms,
                )
                for row in found[:limit]
            ]

    def delivered(self, receipts: Sequence[tuple[int, str]], now_ms: int) -> None:
        """Close pending entries as delivered; a closed or unknown one stays as it is."""
        for entry, receipt in receipts:
            self._close(entry, "delivered", receipt, now_ms, tries=1)

    def retry(self, entry: int, error: str, due_ms: int) -> None:
        """Count a failed try of a pending entry and make it due at `due_ms`."""
        with self._lock:
            row = self._rows.get(entry)
            if row is not None and row.status == "pending":
                row.attempts, row.words, row.due_ms = row.attempts + 1, error, due_ms

    def give_up(self, entry: int, reason: str, now_ms: int) -> None:
        """Close a pending entry as dead letter; a closed or unknown one stays as it is."""
        self._close(entry, "dead", reason, now_ms, tries=1)

    def skip(self, entry: int, reason: str, now_ms: int) -> None:
        """Close a pending entry as skipped; a closed or unknown one stays as it is."""
        self._close(entry, "skipped", reason, now_ms, tries=0)

    def _close(self, entry: int, status: str, words: str, now_ms: int, *, tries: int) -> None:
        with self._lock:
            row = self._rows.get(entry)
            if row is not None and row.status == "pending":
                row.status, row.words, row.closed_ms = status, words, now_ms
                row.attempts += tries
