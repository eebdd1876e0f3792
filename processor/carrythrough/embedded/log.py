"""The durable log: the append is the acknowledgement, and everything else is derived from it.

Commit order of one group, in prose: begin; append the rows at the next positions;
append their ids to the set of known ids, whose uniqueness is what makes a re-send
recognisable for ever; commit (fsync). Only then is anybody told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import Insert, chunks, connect, marks, select

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log(
  position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, stored_ms INTEGER NOT NULL,
  t_ms INTEGER NOT NULL, credential TEXT NOT NULL, id BLOB NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS known(id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content_key(
  key BLOB PRIMARY KEY, id BLOB NOT NULL, stored_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS activation ON log(kind, position) WHERE kind IN (4, 5);
"""
_LOG = Insert("INSERT INTO log", 7)
_KNOWN = Insert("INSERT INTO known", 2)


class Row(msgspec.Struct, frozen=True):
    """A log row as it is on disk; see `pipeline.records.Record`."""

    position: int
    kind: int
    stored_ms: int
    t_ms: int
    credential: str
    id: bytes
    raw: bytes


class LogFile:
    """The file `log.sqlite`, written by one thread and read by any number of connections."""

    def __init__(self, path: Path, *, vfs: str | None = None, exclusive: bool = False) -> None:
        self._path = path
        self._exclusive = exclusive
        self._writer = connect(path, vfs=vfs, exclusive=exclusive)
        for statement in _SCHEMA.split(";"):
            self._writer.execute(statement)
        self.end = self._writer.execute("SELECT coalesce(max(position), 0) FROM log").get

    def reader(self) -> LogReader:
        """Return a reader with a connection of its own (the writer's, where the file is exclusive)."""
        return LogReader(self._writer if self._exclusive else connect(self._path, readonly=True))

    def begin(self) -> None:
        """Start the transaction of a group."""
        self._writer.execute("BEGIN IMMEDIATE")
        self._pending_end = self.end

    def append(self, rows: list[object], ids: list[object], end: int) -> None:
        """Append flat rows and flat (id, position) pairs; raises apsw.ConstraintError when an id is known."""
        _LOG.run(self._writer, rows)
        _KNOWN.run(self._writer, ids)
        self._pending_end = end

    def commit(self) -> None:
        """Make the group durable; afterwards `end` is its last position."""
        self._writer.execute("COMMIT")
        self.end = self._pending_end

    def rollback(self) -> None:
        """Undo the group, if one is open."""
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        # A commit may have failed towards us and yet be on disk: what the file says is what counts.
        self.end = int(self._writer.execute("SELECT coalesce(max(position), 0) FROM log").get)

    def known(self, ids: list[bytes]) -> dict[bytes, int]:
        """Return the positions of those ids that the log has, the open group included."""
        found: dict[bytes, int] = {}
        for part in chunks(ids):
            found.update(
                self._writer.execute(f"SELECT id, position FROM known WHERE id IN ({marks(len(part))})", part)
            )
        return found

    def raw(self, position: int) -> bytes:
        """Return the bytes stored at a position, the open group included."""
        return bytes(self._writer.execute("SELECT raw FROM log WHERE position=?", (position,)).get)

    def content_id(self, key: bytes) -> tuple[bytes, int] | None:
        """Return (statement id, stored_ms) of the last statement with this content key."""
        row = self._writer.execute("SELECT id, stored_ms FROM content_key WHERE key=?", (key,)).fetchone()
        return None if row is None else (bytes(row[0]), row[1])

    def remember_content(self, entries: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Keep (key, id, stored_ms) in the open group."""
        for entry in entries:
            self._writer.execute("INSERT OR REPLACE INTO content_key VALUES (?,?,?)", entry)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._writer.close()


class LogReader:
    """Reads of the log from a connection of their own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, after: int, limit: int) -> list[Row]:
        """Return at most `limit` rows after a position, in order."""
        found = select(
            self._connection,
            "SELECT position, kind, stored_ms, t_ms, credential, id, raw FROM log WHERE position>? ORDER BY position"
            " LIMIT ?",
            (after, limit),
        )
        return [Row(*row) for row in found]

    def row_of(self, source: bytes) -> Row | None:
        """Return the row of a statement or event id, None when the log does not have it."""
        found = self._connection.execute("SELECT position FROM known WHERE id=?", (source,)).fetchone()
        return None if found is None else self.rows(found[0] - 1, 1)[0]

    def last(self, kind: int, up_to: int) -> Row | None:
        """Return the newest activation (kind PROGRAM or ROSTER) at or before a position."""
        found = self._connection.execute(
            f"SELECT max(position) FROM log WHERE kind={int(kind)} AND kind IN (4, 5) AND position<=?",
            (up_to,),
        ).fetchone()
        return None if found is None or found[0] is None else self.rows(found[0] - 1, 1)[0]

    def all(self, batch: int = 2000) -> Iterator[Row]:
        """Return every row in order, read in batches."""
        after = 0
        while rows := self.rows(after, batch):
            yield from rows
            after = rows[-1].position

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()
