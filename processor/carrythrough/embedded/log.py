"""The durable log: the append is the acknowledgement, and everything else is derived from it.

Commit order of one group, in prose: begin; append the rows at the next positions;
append their ids to the set of known ids, whose uniqueness is what makes a re-send
recognisable for ever; commit (fsync). Only then is anybody told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import CACHE_KIB, Insert, chunks, connect, marks, select
from carrythrough.embedded.log_upgrade import bring_up_to_date

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log(
  position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, stored_ms INTEGER NOT NULL,
  t_ms INTEGER NOT NULL, credential TEXT NOT NULL, id BLOB NOT NULL, raw BLOB NOT NULL,
  version INTEGER NOT NULL DEFAULT 103);
CREATE TABLE IF NOT EXISTS known(id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content_key(
  key BLOB PRIMARY KEY, id BLOB NOT NULL, stored_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS original(position INTEGER PRIMARY KEY, raw BLOB NOT NULL, repairs TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS activation ON log(kind, position) WHERE kind IN (4, 5);
CREATE INDEX IF NOT EXISTS later_activation ON log(kind, position) WHERE kind > 7;
"""
_LOG = Insert("INSERT INTO log", 8)
_KNOWN = Insert("INSERT INTO known", 2)
_ORIGINAL = Insert("INSERT INTO original", 3)
_VOIDING = Insert("INSERT INTO voiding", 2)
_COLUMNS = "position, kind, stored_ms, t_ms, credential, id, raw, version"
_AS_JSON = """
SELECT CAST('[' || coalesce(group_concat('[' || position || ',' || json_quote(credential) || ',"' || hex(id) || '",'
  || CAST(raw AS TEXT) || ']'), '') || ']' AS BLOB)
FROM log WHERE position > ? AND position <= ? AND kind = 1
"""
_WITHIN = """
SELECT max(position) FROM (
  SELECT position, sum(length(raw)) OVER (ORDER BY position) AS bytes FROM log WHERE position > ? AND position <= ?)
WHERE bytes <= ?
"""


class Row(msgspec.Struct, frozen=True):
    """A log row as it is on disk; see `pipeline.records.Record`.

    version: 103 or 200, of the rules under which a statement was taken in (`xapi.query.VERSIONS`).
    """

    position: int
    kind: int
    stored_ms: int
    t_ms: int
    credential: str
    id: bytes
    raw: bytes
    version: int = 103


def _indexed(kind: int) -> str:
    """Return the condition of the partial index that has a kind; SQLite takes an index only by its own words."""
    return "kind > 7" if kind > 7 else "kind IN (4, 5)"


class LogFile:
    """The file `log.sqlite`, written by one thread and read by any number of connections."""

    def __init__(self, path: Path, *, vfs: str | None = None, exclusive: bool = False) -> None:
        self._path = path
        self._exclusive = exclusive
        self._writer = connect(path, vfs=vfs, exclusive=exclusive)
        bring_up_to_date(self._writer, _SCHEMA)
        self.end = self._writer.execute("SELECT coalesce(max(position), 0) FROM log").get
        self.stored_ms: int = self._writer.execute(
            "SELECT coalesce(max(stored_ms), 0) FROM log WHERE position=?", (self.end,)
        ).get
        """The stored time of the last record when the file was opened: none may be stored before it."""

    def reader(self, cache_kib: int = CACHE_KIB) -> LogReader:
        """Return a reader with a connection of its own (the writer's, where the file is exclusive)."""
        if self._exclusive:
            return LogReader(self._writer)
        connection = connect(self._path, readonly=True)
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        return LogReader(connection)

    def begin(self) -> None:
        """Start the transaction of a group."""
        self._writer.execute("BEGIN IMMEDIATE")
        self._pending_end = self.end

    def append(self, rows: list[object], ids: list[object], end: int, voiding: Sequence[object] = ()) -> None:
        """Append flat rows and flat (id, position) pairs; raises apsw.ConstraintError when an id is known.

        voiding: flat (target id, position) pairs of voiding statements.
        """
        _LOG.run(self._writer, rows)
        _KNOWN.run(self._writer, ids)
        if voiding:
            _VOIDING.run(self._writer, voiding)
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

    def is_voided(self, id_: bytes) -> bool:
        """Say whether a voiding statement names this id, the open group included."""
        found = self._writer.execute("SELECT 1 FROM voiding WHERE target=? LIMIT 1", (id_,)).fetchone()
        return found is not None

    def remember_content(self, entries: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Keep (key, id, stored_ms) in the open group."""
        for entry in entries:
            self._writer.execute("INSERT OR REPLACE INTO content_key VALUES (?,?,?)", entry)

    def keep_originals(self, rows: list[object]) -> None:
        """Keep flat (position, text as sent, names of repairs) of repaired statements in the open group."""
        _ORIGINAL.run(self._writer, rows)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._writer.close()


class LogReader:
    """Reads of the log from a connection of their own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        # A log of an earlier version, read before a server has opened it, lacks the last column.
        names = {row[1] for row in select(connection, "PRAGMA table_info(log)")}
        self._columns = _COLUMNS if "version" in names else _COLUMNS.replace("version", "103")

    def rows(self, after: int, limit: int) -> list[Row]:
        """Return at most `limit` rows after a position, in order."""
        found = select(
            self._connection,
            f"SELECT {self._columns} FROM log WHERE position>? ORDER BY position LIMIT ?",
            (after, limit),
        )
        return [Row(*row) for row in found]

    def row(self, position: int) -> Row | None:
        """Return the row at a position, None when there is none."""
        found = self._connection.execute(
            f"SELECT {self._columns} FROM log WHERE position=?", (position,)
        ).fetchone()
        return None if found is None else Row(*found)

    def statements_as_json(self, after: int, last: int) -> bytes:
        """Return the statements after one position up to another as one JSON text, in one step of SQLite.

        [[position, credential, id in hexadecimal, statement], ...]
        """
        return bytes(self._connection.execute(_AS_JSON, (after, last)).get)

    def within_bytes(self, after: int, last: int, bytes_max: int) -> int:
        """Return the greatest position up to `last` so that the records after `after` have `bytes_max` at most.

        At least one record, whatever its size.
        """
        return self._connection.execute(_WITHIN, (after, last, bytes_max)).get or after + 1

    def position_of(self, id_: bytes) -> int:
        """Return the position of a statement or event id, 0 when the log does not have it."""
        found = self._connection.execute("SELECT position FROM known WHERE id=?", (id_,)).fetchone()
        return 0 if found is None else int(found[0])

    def id_at(self, position: int) -> str:
        """Return the id at a position as upper-case hexadecimal digits, "" when there is none."""
        found = self._connection.execute("SELECT hex(id) FROM log WHERE position=?", (position,)).fetchone()
        return "" if found is None else str(found[0])

    def stored_ms(self, position: int) -> int:
        """Return the stored time of a position, 0 when there is none."""
        found = self._connection.execute("SELECT stored_ms FROM log WHERE position=?", (position,)).fetchone()
        return 0 if found is None else int(found[0])

    def mark(self, position: int) -> str:
        """Return a text that another log would not have at this position, "" when there is none."""
        found = self._connection.execute(
            "SELECT hex(id) || '@' || stored_ms FROM log WHERE position=?", (position,)
        ).fetchone()
        return "" if found is None else str(found[0])

    def voiding_among(self, ids: Sequence[bytes]) -> set[bytes]:
        """Return those of these ids that voiding statements name (one that voids is not voided by that)."""
        found: set[bytes] = set()
        for part in chunks(ids):
            text = f"SELECT DISTINCT target FROM voiding WHERE target IN ({marks(len(part))})"
            found.update(row[0] for row in select(self._connection, text, part))
        return found

    def row_of(self, source: bytes) -> Row | None:
        """Return the row of a statement or event id, None when the log does not have it."""
        position = self.position_of(source)
        return self.row(position) if position else None

    def original(self, position: int) -> tuple[bytes, str] | None:
        """Return the text as sent of a repaired statement and the names of its repairs, None when it had none."""
        row = self._connection.execute(
            "SELECT raw, repairs FROM original WHERE position=?", (position,)
        ).fetchone()
        return None if row is None else (bytes(row[0]), row[1])

    def rows_at(self, positions: Sequence[int]) -> dict[int, Row]:
        """Return the rows at some positions, by position."""
        found: dict[int, Row] = {}
        for part in chunks(positions):
            text = f"SELECT {self._columns} FROM log WHERE position IN ({marks(len(part))})"
            found.update((row[0], Row(*row)) for row in select(self._connection, text, part))
        return found

    def last(self, kind: int, up_to: int) -> Row | None:
        """Return the newest activation of a kind (`pipeline.records.ACTIVATIONS`) at or before a position."""
        position = self.last_position(kind, up_to)
        return self.rows(position - 1, 1)[0] if position else None

    def last_position(self, kind: int, up_to: int) -> int:
        """Return where the newest activation of a kind at or before a position stands, 0 for none."""
        return int(
            self._connection.execute(
                f"SELECT coalesce(max(position), 0) FROM log WHERE kind={int(kind)} AND {_indexed(kind)}"
                " AND position<=?",
                (up_to,),
            ).get
        )

    def of_kind(self, kind: int, after: int, up_to: int) -> Iterator[Row]:
        """Yield the activations of a kind after one position up to another, in order, few in memory at once."""
        while True:
            found = select(
                self._connection,
                f"SELECT {self._columns} FROM log WHERE kind={int(kind)} AND {_indexed(kind)}"
                " AND position>? AND position<=? ORDER BY position LIMIT 500",
                (after, up_to),
            )
            yield from (Row(*row) for row in found)
            if not found:
                return
            after = found[-1][0]

    def all(self, batch: int = 2000) -> Iterator[Row]:
        """Return every row in order, read in batches."""
        after = 0
        while rows := self.rows(after, batch):
            yield from rows
            after = rows[-1].position

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()
