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

SLICE_RECORDS = 500
"""Records read at once: a few milliseconds of work between two looks at who else wants the interpreter."""
SLICE_BYTES = 4 << 20
"""Bytes of the statements read at once, unless a single one has more."""
UNREADABLE = (msgspec.DecodeError, RecursionError)
"""What reading raises for bytes that no decoder takes; the fold has set such a record aside."""


class Slice(msgspec.Struct, array_like=True, gc=False):
    """A statement of a run. id: 32 upper-case hexadecimal digits."""

    position: int
    credential: str
    id: str
    statement: Sent


_run = msgspec.json.Decoder(list[Slice]).decode


def read_slice(
    log: LogReader, after: int, end: int, unreadable: Callable[[int, Exception], None]
) -> tuple[list[Slice], int]:
    """Return the statements after a position, `end` at the furthest, and the last position that was looked at.

    unreadable: told of those that cannot be read.
    """
    last = log.within_bytes(after, min(end, after + SLICE_RECORDS), SLICE_BYTES)
    try:
        rows = _run(log.statements_as_json(after, last))
    except UNREADABLE:
        rows = []
        for position in range(after + 1, last + 1):
            try:
                rows += _run(log.statements_as_json(position - 1, position))
            except UNREADABLE as error:
                unreadable(position, error)
    return rows, last


def read_one(log: LogReader, position: int) -> Slice | None:
    """Return the statement at a position, None when there is none; raises one of UNREADABLE."""
    rows = _run(log.statements_as_json(position - 1, position))
    return rows[0] if rows else None
