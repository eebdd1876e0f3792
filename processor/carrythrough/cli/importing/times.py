"""The span of time that the records of an import cover, read from their texts alone."""

from __future__ import annotations

import msgspec

from carrythrough.cli.files.records import Kind
from carrythrough.xapi.formats import timestamp_ms


class _Statement(msgspec.Struct):
    timestamp: str | None = None


class _Data(msgspec.Struct, frozen=True):
    time: str | None = None


class _Event(msgspec.Struct):
    time: str | None = None
    data: _Data = _Data()


_statement = msgspec.json.Decoder(_Statement).decode
_event = msgspec.json.Decoder(_Event).decode


def time_of(kind: Kind, raw: bytes) -> int | None:
    """Return the event time of a record (ms since the epoch), None where it says none that can be read here."""
    try:
        if kind == "statements":
            text = _statement(raw).timestamp
        else:
            event = _event(raw)
            text = event.data.time or event.time  # in an envelope, what the event says itself goes first
    except msgspec.MsgspecError:
        return None
    return None if text is None else timestamp_ms(text, rfc3339=False)
