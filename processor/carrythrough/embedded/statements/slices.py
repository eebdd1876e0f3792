"""Runs of statements out of the log in one call each.

SQLite puts the rows of a run together into one JSON text, which one call of the
decoder takes apart: stepping through rows would give up the interpreter at each of
them, and wait for it again under load.
"""

from __future__ import annotations

import msgspec

from carrythrough.embedded.log import LogReader
from carrythrough.embedded.statements.reading import Sent

INLINE_BYTES_MAX = 65_536
"""Longer statements are read one by one, so that a run of them does not fill the memory."""


class Slice(msgspec.Struct, array_like=True, gc=False):
    """A statement of a run. id: 32 upper-case hexadecimal digits."""

    position: int
    credential: str
    id: str
    statement: Sent


class _Short(msgspec.Struct, array_like=True, gc=False):
    position: int
    credential: str
    id: str
    statement: Sent | None


_run = msgspec.json.Decoder(list[_Short]).decode


def read_slice(log: LogReader, after: int, last: int) -> list[Slice]:
    """Return the statements after a position up to another; those that no decoder reads are left out."""
    try:
        rows = _run(log.statements_as_json(after, last, INLINE_BYTES_MAX))
    except (msgspec.DecodeError, RecursionError):
        found = [read_one(log, position) for position in range(after + 1, last + 1)]
        return [one for one in found if one is not None]
    read: list[Slice] = []
    for row in rows:
        if row.statement is not None:
            read.append(Slice(row.position, row.credential, row.id, row.statement))
        elif (one := read_one(log, row.position)) is not None:
            read.append(one)
    return read


def read_one(log: LogReader, position: int) -> Slice | None:
    """Return the statement at a position, None when there is none or no decoder reads it."""
    try:
        rows = _run(log.statements_as_json(position - 1, position, 1 << 62))
    except (msgspec.DecodeError, RecursionError):
        return None
    if len(rows) != 1 or rows[0].statement is None:
        return None
    return Slice(rows[0].position, rows[0].credential, rows[0].id, rows[0].statement)
