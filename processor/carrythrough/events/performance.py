"""The door to performance events: what shells call to admit, decode and import them."""

from __future__ import annotations

import msgspec

from carrythrough.events.admission import (
    DEFAULT_LIMITS,
    EventLimits,
    admit_document,
    admit_events,
)
from carrythrough.events.refusals import ERROR_CODES
from carrythrough.events.rows import COLUMNS, csv_to_events, rows_to_events
from carrythrough.events.types import (
    AdmittedEvent,
    EventActor,
    EventOutcome,
    Observer,
    PerformanceEvent,
    source_id,
)

__all__ = [
    "COLUMNS",
    "DEFAULT_LIMITS",
    "ERROR_CODES",
    "AdmittedEvent",
    "EventActor",
    "EventLimits",
    "EventOutcome",
    "Observer",
    "PerformanceEvent",
    "admit_document",
    "admit_events",
    "csv_to_events",
    "decode_event",
    "rows_to_events",
    "source_id",
]

_DECODER = msgspec.json.Decoder(PerformanceEvent)


def decode_event(raw: bytes) -> PerformanceEvent:
    """Return an event of our own log, `AdmittedEvent.raw` as written; raises msgspec.DecodeError."""
    return _DECODER.decode(raw)
