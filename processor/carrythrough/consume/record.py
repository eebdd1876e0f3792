"""One record of a topic as performance events: CloudEvents in both modes of the Kafka binding, or plain JSON.

Pure: bytes and headers in, admitted events out.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import AdmittedEvent, admit_events

Headers = Iterable[tuple[str, bytes | None]]
STRUCTURED = "application/cloudevents"
"""Content types that begin so say: the value is the whole envelope (Kafka protocol binding 1.0.2, 3)."""
ATTRIBUTE = "ce_"
"""Headers that begin so are attributes of the envelope (Kafka protocol binding 1.0.2, 3.2.3)."""
PLAIN = "application/json"


def admit_record(value: bytes | None, headers: Headers = ()) -> list[AdmittedEvent]:
    """Return the events of a record; raises PermanentError for what is none, as `admit_events` does.

    Binary mode is told by a header `ce_specversion`, structured mode by the content type; a value without
    either is read as JSON (one event, or an array of them).
    """
    named = {name.lower(): _text(name, raw) for name, raw in headers}
    if value is None:
        raise _refused("record-empty", "", "the record has a key and no value", "send the event as the value")
    media = named.get("content-type") or PLAIN
    if media.strip().lower().startswith(STRUCTURED) or ATTRIBUTE + "specversion" not in named:
        return admit_events(value, media)
    envelope = {
        name.removeprefix(ATTRIBUTE): text for name, text in named.items() if name.startswith(ATTRIBUTE)
    }
    if media.partition(";")[0].strip().lower() != PLAIN:
        raise _refused(
            "content-type-unsupported",
            "content-type",
            f"the content type of the data is {media[:100]!r}",
            f"send the data as {PLAIN}",
        )
    head = msgspec.json.encode(envelope)[:-1]
    return admit_events(b'%b,"data":%b}' % (head, _one_value(value)), STRUCTURED + "+json")


def _one_value(value: bytes) -> bytes:
    """Return `value`, which is one JSON value; raises PermanentError with the place where it is none."""
    try:
        msgspec.json.decode(value, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        admit_events(value, PLAIN)
        raise
    return value


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
