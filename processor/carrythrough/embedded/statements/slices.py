"""Runs of statements out of the log in one call each.

SQLite puts the rows of a run together into one JSON text, which one call of the
decoder takes apart: stepping through rows would give up the interpreter at each of
them, and wait for it again under load.
"""

from __future__ import annotations

from collections.abc import Callable

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


UNREADABLE = (msgspec.DecodeError, RecursionError)
"""What reading raises for bytes that no decoder takes; the fold has set such a record aside."""


def read_slice(
    log: LogReader, after: int, last: int, unreadable: Callable[[int, Exception], None]
) -> list[Slice]:
    """Return the statements after a position up to another; `unreadable` is told of those that cannot be read."""
    read: list[Slice] = []
    try:
        rows = _run(log.statements_as_json(after, last, INLINE_BYTES_MAX))
    except UNREADABLE:
        singly = list(range(after + 1, last + 1))
    else:
        singly = [row.position for row in rows if row.statement is None]
        read = [
            Slice(row.position, row.credential, row.id, row.statement)
            for row in rows
            if row.statement is not None
        ]
    for position in singly:
        try:
            one = read_one(log, position)
        except UNREADABLE as error:
            unreadable(position, error)
        else:
            read += [one] if one is not None else []
    read.sort(key=_position)
    return read


def read_one(log: LogReader, position: int) -> Slice | None:
    """Return the statement at a position, None when there is none; raises one of UNREADABLE."""
    for row in _run(log.statements_as_json(position - 1, position, 1 << 62)):
        if row.statement is not None:
            return Slice(row.position, row.credential, row.id, row.statement)
    return None


def _position(row: Slice) -> int:
    return row.position
