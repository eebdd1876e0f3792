"""One record of a topic as performance events: CloudEvents in both modes of the Kafka binding, or plain JSON.

Pure: bytes and headers in, admitted events out.
"""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.message import events_of_message
from carrythrough.events.performance import AdmittedEvent
from carrythrough.events.sense import refuse_reserved

Headers = Iterable[tuple[str, bytes | None]]
PLAIN = "application/json"


def admit_record(value: bytes | None, headers: Headers = ()) -> list[AdmittedEvent]:
    """Return the events of a record; raises PermanentError for what is none, as `admit_events` does.

    A value without headers of CloudEvents is read as JSON: one event, or an array of them.
    """
    named = {name.lower(): _text(name, raw) for name, raw in headers}
    named.setdefault("content-type", PLAIN)
    if value is None:
        raise _refused("record-empty", "", "the record has a key and no value", "send the event as the value")
    events = events_of_message(value, named, binding="kafka")
    refuse_reserved(events)
    return events


def _text(name: str, raw: bytes | None) -> str:
    try:
        return (raw or b"").decode()
    except UnicodeDecodeError as error:
        raise _refused(
            "header-not-utf8", name[:100], f"byte {error.start} is not UTF-8", "send headers as UTF-8 text"
        ) from None


def _refused(code: str, where: str, detail: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code=code,
            status=400,
            title="The record is no performance event",
            detail=detail,
            where=where,
            rule="a record is a CloudEvent (Kafka binding, either mode) or a JSON performance event",
            fix=fix,
        )
    )
