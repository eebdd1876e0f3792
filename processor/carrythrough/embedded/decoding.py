"""Log rows back into records, for a restart and for a fold that has fallen behind the hand-over."""

from __future__ import annotations

from typing import Any

from carrythrough.embedded.log import Row
from carrythrough.events.performance import decode_event
from carrythrough.pipeline.records import EVENTS, Kind, Record
from carrythrough.xapi.admission import decode_statement


def record_of(row: Row) -> Record:
    """Return the record of a log row; raises what the decoders raise for bytes that they cannot read."""
    kind = Kind(row.kind)
    content: Any = None
    if kind is Kind.STATEMENT:
        content = decode_statement(bytes(row.raw))
    elif kind in EVENTS:
        content = decode_event(bytes(row.raw))
    elif kind is not Kind.TICK:
        content = bytes(row.raw).decode()
    return Record(row.position, kind, row.stored_ms, bytes(row.id), row.t_ms, content)
