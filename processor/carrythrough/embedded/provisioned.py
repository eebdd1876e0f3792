"""What HR systems have sent by SCIM, by roster id: derived from the log, so that it can be looked up and given back.

Nothing here decides anything. The file `provisioned.sqlite` follows the changes of the roster in the log
whenever somebody asks, so an answer sees all that was acknowledged; deleted, it is made again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import chunks, connect, marks, select
from carrythrough.embedded.log import LogReader, Row
from carrythrough.gateway.scim.store import Entry
from carrythrough.identity.changes import PutPerson, RosterChange, decode_changes
from carrythrough.pipeline.records import Kind

VERSION = 1
"""Of the file; another one is made again from the log."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS resource(
  id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,
  user_name TEXT, external_id TEXT, body BLOB);
CREATE INDEX IF NOT EXISTS resource_user_name ON resource(user_name) WHERE user_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS resource_external_id ON resource(external_id) WHERE external_id IS NOT NULL;
"""
_PUT = """
INSERT INTO resource VALUES (?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET modified_ms=excluded.modified_ms,
  user_name=coalesce(excluded.user_name, user_name), external_id=CASE WHEN excluded.body IS NULL THEN external_id
  ELSE excluded.external_id END, body=coalesce(excluded.body, body)
"""
_encode = msgspec.json.Encoder().encode


class Provisioned:
    """Implements `gateway.scim.store.ResourceBook`; safe to call from any thread. The file is made on first use."""

    def __init__(self, path: Path, log: LogReader, end: Callable[[], int]) -> None:
        """end: last position of the log."""
        self._path = path
        self._log = log
        self._end = end
        self._lock = threading.Lock()
        self._opened: apsw.Connection | None = None
        self._position = 0

    def entries(self, ids: Iterable[str]) -> dict[str, Entry]:
        """See `ResourceBook`."""
        found: dict[str, Entry] = {}
        with self._lock:
            connection = self._current()
            for run in chunks(list(ids)):
                text = (
                    f"SELECT id, created_ms, modified_ms, body FROM resource WHERE id IN ({marks(len(run))})"
                )
                for id_, created_ms, modified_ms, body in select(connection, text, run):
                    resource = {} if body is None else msgspec.json.decode(body, type=dict)
                    found[id_] = Entry(created_ms, modified_ms, resource)
        return found

    def with_user_name(self, name: str) -> list[str]:
        """See `ResourceBook`."""
        return self._ids("SELECT id FROM resource WHERE user_name=?", folded(name))

    def with_external_id(self, external: str) -> list[str]:
        """See `ResourceBook`."""
        return self._ids("SELECT id FROM resource WHERE external_id=?", external)

    def names(self) -> dict[str, tuple[str, str]]:
        """See `ResourceBook`."""
        text = "SELECT id, user_name, coalesce(external_id, '') FROM resource WHERE user_name IS NOT NULL"
        with self._lock:
            return {row[0]: (row[1], row[2]) for row in select(self._current(), text)}

    def file_ms(self) -> int:
        """See `ResourceBook`."""
        with self._lock:
            row = self._log.last(Kind.ROSTER, self._end())
            return 0 if row is None else row.stored_ms

    def close(self) -> None:
        """Close file and log; safe to call twice."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
            self._log.close()

    def _ids(self, text: str, value: str) -> list[str]:
        with self._lock:
            return [row[0] for row in select(self._current(), text, (value,))]

    def _current(self) -> apsw.Connection:
        """Return the connection once the file has everything that is in the log."""
        connection = self._opened or self._open()
        end = self._end()
        if self._position < end:
            rows = self._log.of_kind(Kind.ROSTER_CHANGE, self._position, end)
            with connection:  # a transaction
                for row in rows:
                    self._take(connection, row)
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('position', ?)", (end,))
            self._position = end
        return connection

    def _open(self) -> apsw.Connection:
        connection = connect(self._path)
        # Derived, and rows and position are one transaction: what a power cut takes is read again.
        connection.execute("PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON")
        connection.execute(_SCHEMA)
        meta = dict(connection.execute("SELECT name, value FROM meta"))
        if meta.get("version") != VERSION or int(meta.get("position", 0)) > self._end():
            with connection:
                connection.execute("DELETE FROM resource; DELETE FROM meta")
                connection.execute("INSERT INTO meta VALUES ('version', ?)", (VERSION,))
            meta = {}
        self._opened, self._position = connection, int(meta.get("position", 0))
        return connection

    def _take(self, connection: apsw.Connection, row: Row) -> None:
        try:
            changes: tuple[RosterChange, ...] = decode_changes(bytes(row.raw))
        except msgspec.DecodeError:
            return  # the fold has set it aside
        for change in changes:
            if not isinstance(change, PutPerson):
                connection.execute("DELETE FROM resource WHERE id=?", (change.id,))
                continue
            resource = change.resource
            name, external = resource.get("userName"), resource.get("externalId")
            connection.execute(
                _PUT,
                (
                    change.person.id,
                    row.stored_ms,
                    row.stored_ms,
                    folded(name) if isinstance(name, str) else None,
                    external if isinstance(external, str) else None,
                    _encode(resource) if resource else None,
                ),
            )


def folded(name: str) -> str:
    """Return a userName as it is compared: without its case (RFC 7643 4.1.1)."""
    return name.casefold()
