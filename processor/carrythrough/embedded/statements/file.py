"""The file `index.sqlite`: what was read of the log up to the end of a whole chunk of it.

A chunk is written once, in one transaction, when the log has passed its end. What
the log has beyond is in memory and is read again after a restart, at most one chunk.
A file of another schema, of another log, or a damaged one, is thrown away.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import structlog

from carrythrough.embedded.database import Insert, chunks, connect, marks, select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.statements.postings import CHUNK_BITS

SCHEMA_VERSION = 2
"""Raised with every change of what the file holds or means."""
KEY_BYTES = 16
READER_CACHE_KIB = 4_096
"""A query touches few pages twice, and the operating system keeps the file in memory."""

_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE posting(id INTEGER PRIMARY KEY, offsets BLOB NOT NULL);
CREATE TABLE reference(target BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(target, position)) WITHOUT ROWID;
CREATE TABLE activity(id TEXT PRIMARY KEY, definition BLOB NOT NULL) WITHOUT ROWID;
"""
POSTING = Insert("INSERT OR REPLACE INTO posting", 2)
REFERENCE = Insert("INSERT OR IGNORE INTO reference", 2)
ACTIVITY = Insert("INSERT OR REPLACE INTO activity", 2)
_META = Insert("INSERT OR REPLACE INTO meta", 2)
_LOW = (1 << CHUNK_BITS) - 1

_logger = structlog.get_logger("carrythrough.index")


class IndexFile:
    """The writing connection of `index.sqlite`; used by the indexer's thread."""

    def __init__(self, path: Path, log: LogReader) -> None:
        """Open the file, or make it anew when it does not fit the log; raises apsw.Error."""
        self._path = path
        opened = self._opened(log)
        if opened is None:
            self._remove()
            opened = self._made()
        self._connection = opened
        meta = dict(select(opened, "SELECT name, value FROM meta"))
        self.key: bytes = meta["key"]
        self.position: int = meta["position"]
        """The end of the last chunk that is in the file."""
        self.depth: int = meta["depth"]
        """The greatest distance over which anything is passed on."""
        self.any_references = bool(select(opened, "SELECT 1 FROM reference LIMIT 1"))

    def reader(self) -> apsw.Connection:
        """Return a connection for queries; the caller closes it."""
        connection = connect(self._path, readonly=True)
        connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
        return connection

    def begin(self) -> None:
        """Start the transaction of a chunk."""
        self._connection.execute("BEGIN IMMEDIATE")

    def posting(self, digest: int, chunk: int) -> bytes | None:
        """Return a stored posting."""
        row = self._connection.execute("SELECT offsets FROM posting WHERE id=?", (row_id(digest, chunk),))
        found: bytes | None = row.get
        return found

    def write(self, insert: Insert, flat: Sequence[Any]) -> None:
        """Write rows of POSTING, REFERENCE or ACTIVITY in the open transaction."""
        insert.run(self._connection, flat)

    def commit(self, position: int, depth: int, mark: str) -> None:
        """End the transaction of the chunk that ends at `position`, whose log record has this mark."""
        _META.run(self._connection, ("position", position, "depth", depth, "mark", mark))
        self._connection.execute("COMMIT")
        self.position, self.depth = position, depth
        self.any_references = self.any_references or bool(
            select(self._connection, "SELECT 1 FROM reference LIMIT 1")
        )

    def save_definitions(self, flat: Sequence[Any]) -> None:
        """Write definitions outside of a chunk: to read their statements again changes nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        ACTIVITY.run(self._connection, flat)
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo what is open."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def referrers(self, targets: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (target, position) of the statements that refer to these ids and came before them."""
        if not self.any_references:
            return []
        found: list[tuple[bytes, int]] = []
        for part in chunks(targets):
            text = f"SELECT target, position FROM reference WHERE target IN ({marks(len(part))})"
            found += [(bytes(target), position) for target, position in select(self._connection, text, part)]
        return found

    def definition(self, activity: str) -> bytes | None:
        """Return the stored definition of an activity."""
        return definition(self._connection, activity)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()

    def _opened(self, log: LogReader) -> apsw.Connection | None:
        """Return the connection of a file that fits the log, else None."""
        if not self._path.exists():
            return None
        try:
            connection = self._connect()
        except (apsw.CorruptError, apsw.NotADBError) as error:
            _logger.warning("index_damaged", error=str(error))
            return None
        try:
            fault = _fault(connection, log)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
            fault = str(error)
        if not fault:
            return connection
        connection.close()
        _logger.warning("index_made_anew", reason=fault)
        return None

    def _made(self) -> apsw.Connection:
        connection = self._connect()
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        meta = ("key", secrets.token_bytes(KEY_BYTES), "position", 0, "depth", 0, "mark", "")
        _META.run(connection, meta)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        return connection

    def _connect(self) -> apsw.Connection:
        connection = connect(self._path)
        connection.execute("PRAGMA synchronous=NORMAL")  # what a power cut takes is read from the log again
        return connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).unlink()


def row_id(digest: int, chunk: int) -> int:
    """Return the key of the posting of a digest in a chunk."""
    return digest << CHUNK_BITS | chunk


def chunks_of(connection: apsw.Connection, digest: int) -> set[int]:
    """Return the chunks that have a stored posting of a digest."""
    low = row_id(digest, 0)
    rows = select(connection, "SELECT id FROM posting WHERE id BETWEEN ? AND ?", (low, low | _LOW))
    return {row[0] & _LOW for row in rows}


def definition(connection: apsw.Connection, activity: str) -> bytes | None:
    """Return the stored definition of an activity."""
    row = connection.execute("SELECT definition FROM activity WHERE id=?", (activity,)).fetchone()
    return None if row is None else bytes(row[0])


def _fault(connection: apsw.Connection, log: LogReader) -> str:
    """Return why the file does not fit the log, "" when it does."""
    version = connection.execute("PRAGMA user_version").get
    if version != SCHEMA_VERSION:
        return f"schema {version}, wanted {SCHEMA_VERSION}"
    meta = dict(select(connection, "SELECT name, value FROM meta"))
    if set(meta) != {"key", "position", "depth", "mark"}:
        return "incomplete"
    if meta["position"] and log.mark(meta["position"]) != meta["mark"]:
        return "made from another log"
    return ""
