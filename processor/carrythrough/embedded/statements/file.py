"""The file `index.sqlite`: what was read of the log up to a position, as a rule the end of a chunk.

A chunk is written once, in one transaction, when the log has passed its end (earlier
only when it holds very much). What the log has beyond is in memory and is read again
after a restart, at most one chunk. A file of another schema, of another log, or a damaged one, is thrown away.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path

import apsw
import structlog

from carrythrough.embedded.database import Insert, chunks, connect, marks, select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.postings import CHUNK_BITS, Postings, merged

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
_POSTING = Insert("INSERT OR REPLACE INTO posting", 2)
_REFERENCE = Insert("INSERT OR IGNORE INTO reference", 2)
_ACTIVITY = Insert("INSERT OR REPLACE INTO activity", 2)
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
            self.remove()
            opened = self._made()
        self._connection = opened
        meta = dict(select(opened, "SELECT name, value FROM meta"))
        self.key: bytes = meta["key"]
        self.position: int = meta["position"]
        """Everything up to here is in the file."""
        self.depth: int = meta["depth"]
        """The greatest distance over which anything is passed on."""
        self.any_references = bool(select(opened, "SELECT 1 FROM reference LIMIT 1"))

    def reader(self) -> apsw.Connection:
        """Return a connection for queries; the caller closes it."""
        connection = connect(self._path, readonly=True)
        connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
        return connection

    def write(self, memory: Memory, mark: str) -> None:
        """Write what is in memory, in one transaction. mark: of the log record at its position."""
        self._connection.execute("BEGIN IMMEDIATE")
        flat: list[object] = []
        self._add(flat, memory.chunk, memory.postings, merging=memory.resumes)
        for chunk, late in memory.late.items():
            self._add(flat, chunk, late, merging=True)
        _POSTING.run(self._connection, flat)
        references = [
            (bytes.fromhex(target), position)
            for target, positions in memory.references.items()
            for position in positions
        ]
        _REFERENCE.run(self._connection, [part for pair in references for part in pair])
        _ACTIVITY.run(self._connection, [part for pair in memory.definitions.items() for part in pair])
        _META.run(self._connection, ("position", memory.position, "depth", memory.depth, "mark", mark))
        self._connection.execute("COMMIT")
        self.position, self.depth = memory.position, memory.depth
        self.any_references = self.any_references or bool(references)

    def _add(self, flat: list[object], chunk: int, postings: Postings, *, merging: bool) -> None:
        for digest in postings.digests():
            offsets = postings.get(digest)
            if offsets is not None:
                key = row_id(digest, chunk)
                flat += (key, merged(self._posting(key), offsets) if merging else offsets)

    def _posting(self, key: int) -> bytes | None:
        row = self._connection.execute("SELECT offsets FROM posting WHERE id=?", (key,)).fetchone()
        return None if row is None else row[0]

    def save_definitions(self, definitions: dict[str, bytes]) -> None:
        """Write definitions before their chunk: to read their statements again changes nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        _ACTIVITY.run(self._connection, [part for pair in definitions.items() for part in pair])
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo what is open, if that is possible; a connection that cannot will say so at its next transaction."""
        with contextlib.suppress(apsw.Error):
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

    def remove(self) -> None:
        """Remove the file, which is closed or was never opened."""
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
