"""How every SQLite file of the embedded shell is opened, and how many rows go in at once.

WAL with synchronous=FULL: a commit returns after fsync, so it is an
acknowledgement. Rows are inserted many to a statement: one call into SQLite
releases the GIL once, where `executemany` would give it up at every row and then
wait a switch interval to get it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

CACHE_KIB = 65_536
WAL_CHECKPOINT_PAGES = 4000
"""About 16 MB of log before SQLite copies it back into the file."""
BUSY_MS = 10_000
ROWS_PER_INSERT = (128, 16, 1)
CURSOR_DIGITS_MAX = 18
"""More digits may not fit into a number of SQLite (64 bits)."""


def connect(
    path: Path, *, vfs: str | None = None, exclusive: bool = False, readonly: bool = False
) -> apsw.Connection:
    """Open a file in WAL mode with synchronous=FULL.

    vfs: name of a registered SQLite VFS, for tests of what a lost write does. exclusive: no shared
    memory file, which such a VFS needs. Raises apsw.Error.
    """
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
    connection.set_busy_timeout(BUSY_MS)
    if exclusive:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    if not readonly:
        if connection.execute("PRAGMA journal_mode=WAL").get != "wal":
            raise apsw.IOError("the file could not be put into WAL mode")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def select(connection: apsw.Connection, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a query; the caller knows the types of its columns."""
    return list(connection.execute(text, values))


class Insert:
    """A statement that inserts many rows at once: `head` VALUES (…),(…) `tail`."""

    def __init__(self, head: str, columns: int, tail: str = "") -> None:
        self._columns = columns
        row = f"({','.join('?' * columns)})"
        self._texts = {n: f"{head} VALUES {','.join([row] * n)} {tail}" for n in ROWS_PER_INSERT}

    def run(self, cursor: apsw.Connection, flat: Sequence[Any]) -> None:
        """Insert the rows of a flat sequence of column values; an empty one does nothing."""
        at, columns = 0, self._columns
        left = len(flat) // columns
        for size in ROWS_PER_INSERT:
            width = size * columns
            while left >= size:
                cursor.execute(self._texts[size], flat[at : at + width])
                at += width
                left -= size


def row_before(cursor: str | None) -> int:
    """Return the row number that a descending page starts below; text that is none of ours starts at the top."""
    if cursor and len(cursor) <= CURSOR_DIGITS_MAX and cursor.isascii() and cursor.isdigit():
        return int(cursor)
    return 1 << 62


def marks(count: int) -> str:
    """Return `count` question marks for an IN list."""
    return ",".join("?" * count)


def chunks(values: Sequence[Any], size: int = 500) -> list[Sequence[Any]]:
    """Cut a sequence into runs of at most `size`, below SQLite's limit on variables."""
    return [values[i : i + size] for i in range(0, len(values), size)]
