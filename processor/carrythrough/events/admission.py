"""What a business system sent, to admitted performance events or a refusal that names the fault.

All or nothing: one bad event refuses the request, so that a sender never has to guess which part
went in. Good input takes one pass of the C scanner and one typed conversion; only input that
these cannot vouch for pays for finding the exact place.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

from carrythrough.authoring.reading import read_as
from carrythrough.authoring.source import Lint, node_of
from carrythrough.events.cloudevents import EnvelopeError, is_envelope, unwrap
from carrythrough.events.refusals import refuse, refuse_limit
from carrythrough.events.sense import check_sense
from carrythrough.events.types import AdmittedEvent, PerformanceEvent, source_id
from carrythrough.xapi import strict_json
from carrythrough.xapi.formats import timestamp_ms

JSON_TYPES = frozenset(
    {"application/json", "application/cloudevents+json", "application/cloudevents-batch+json"}
)
LINES_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})


PARTS_PER_EVENT_MAX = 50
"""Commas and brackets of one event in its envelope; a full one has about 35."""
_PARTS = (b"{", b"[", b",")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


class EventLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may hold; each limit is named in the refusal that it causes."""

    body_bytes_max: int = 10 * 1024 * 1024
    events_per_request_max: int = 10_000
    event_bytes_max: int = 64 * 1024
    depth_max: int = 16


DEFAULT_LIMITS = EventLimits()


def admit_events(body: bytes, content_type: str, limits: EventLimits = DEFAULT_LIMITS) -> list[AdmittedEvent]:
    """Return the events in a request body, in its order; all of them or none.

    content_type: application/json (an object or an array; CloudEvents are recognised),
    application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson (also
    application/ndjson, application/jsonl). The body is inflated already. An event that repeats
    another one of the request exactly is returned twice: the log knows it the second time.
    Raises PermanentError with a JSON pointer ("/3/outcome/score"; in NDJSON the number of the
    event); codes in ERROR_CODES and `xapi.refusals.ERROR_CODES`.
    """
    media = content_type.partition(";")[0].strip().lower() or "application/json"
    if media not in JSON_TYPES and media not in LINES_TYPES:
        refuse(
            "content-type-unsupported",
            "",
            f'the content type is "{media[:100]}"',
            rule=f"content types read here: {', '.join(sorted(JSON_TYPES | LINES_TYPES))}",
            fix="send JSON with Content-Type: application/json, or one event a line as application/x-ndjson",
        )
    if len(body) > limits.body_bytes_max:
        message = f"the body has {len(body)} bytes"
        refuse_limit("body-too-large", "", message, "body_bytes_max", limits.body_bytes_max)
    _check_parts(body, limits)
    admitted = [
        _admit_document(document, where, limits, enveloped="cloudevents" in media)
        for document, where in _documents(body, media, limits)
    ]
    _check_repeats(admitted)
    return admitted


def admit_document(
    document: Any, where: str = "", limits: EventLimits = DEFAULT_LIMITS, *, enveloped: bool = False
) -> AdmittedEvent:
    """Return the event that a decoded JSON value is; raises PermanentError with pointers below `where`."""
    return _admit_document(document, where, limits, enveloped=enveloped)


def _documents(body: bytes, media: str, limits: EventLimits) -> Iterator[tuple[Any, str]]:
    """Yield (JSON value, pointer) for each event of the body."""
    if media in LINES_TYPES:
        lines = [line for line in body.split(b"\n") if line.strip()]
        _check_count(len(lines), limits)
        if not lines:
            read_json(b"", "", limits)
        for number, line in enumerate(lines):
            yield read_json(line, f"/{number}", limits), f"/{number}"
        return
    value = read_json(body, "", limits)
    if not isinstance(value, list):
        yield value, ""
        return
    _check_count(len(value), limits)
    for number, item in enumerate(value):
        yield item, f"/{number}"


def _check_parts(body: bytes, limits: EventLimits) -> None:
    """Refuse a body of millions of tiny values before they are all built in memory."""
    most = PARTS_PER_EVENT_MAX * limits.events_per_request_max
    if sum(map(body.count, _PARTS)) <= most:
        return
    # Commas and brackets inside texts do not count; millions of texts are not worth telling apart.
    few_texts = body.count(b'"') <= 4 * most
    if few_texts and sum(map(_STRING.sub(b"", body).count, _PARTS)) <= most:
        return
    rule = f"Limits events_per_request_max = {limits.events_per_request_max}, "
    refuse(
        "too-many-events",
        "",
        f"the body has more than {most} commas and brackets, which that many events do not have",
        rule=f"{rule}PARTS_PER_EVENT_MAX = {PARTS_PER_EVENT_MAX}",
        fix="send performance events, and fewer in one request",
    )


def _check_count(count: int, limits: EventLimits) -> None:
    if count > limits.events_per_request_max:
        name, limit = "events_per_request_max", limits.events_per_request_max
        refuse_limit("too-many-events", "", f"the request holds {count} events", name, limit)


def read_json(body: bytes, where: str, limits: EventLimits) -> Any:
    """Return the value of a JSON text; the strict reader finds the place of whatever is wrong.

    Raises PermanentError with the codes of broken JSON (`xapi.refusals`), pointers below `where`.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_constant)
    except (ValueError, RecursionError):
        return strict_json.read(body, where, limits.depth_max)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


def _admit_document(document: Any, where: str, limits: EventLimits, *, enveloped: bool) -> AdmittedEvent:
    if enveloped or is_envelope(document):
        try:
            document = unwrap(document)
        except EnvelopeError as fault:
            refuse("cloudevent-invalid", where + fault.pointer, fault.message, rule=fault.rule, fix=fault.fix)
    event, raw = _event_of(document, where, limits)
    t_ms = timestamp_ms(event.time, rfc3339=True)
    if t_ms is None:
        refuse(
            "event-time-invalid",
            f"{where}/time",
            f'"{event.time[:60]}" is not a time with date, clock and zone',
            rule="RFC 3339, section 5.6; a zone is required, or the moment is a guess",
            fix='write for example "2026-11-01T10:00:00Z" or "2026-11-01T11:00:00+01:00"',
        )
    check_sense(event, where)
    return AdmittedEvent(id=source_id(event.source, event.id), raw=raw, event=event, t_ms=t_ms)


def _event_of(document: Any, where: str, limits: EventLimits) -> tuple[PerformanceEvent, bytes]:
    """Return the typed event and its canonical JSON."""
    event: PerformanceEvent | None
    try:
        event = msgspec.convert(document, PerformanceEvent)
        raw = msgspec.json.encode(event)
    except (msgspec.ValidationError, UnicodeEncodeError):
        event, raw = None, b""
    # msgspec lets "$" match before a last newline, and writes infinity as null: look closer.
    if event is None or b"\\n" in raw or b"null" in raw or not _finite(event):
        event = _closely(document, where, limits)
        raw = msgspec.json.encode(event)
    if len(raw) > limits.event_bytes_max:
        name, limit = "event_bytes_max", limits.event_bytes_max
        refuse_limit("event-too-large", where, f"the event has {len(raw)} bytes", name, limit)
    return event, raw


def _finite(event: PerformanceEvent) -> bool:
    value = None if event.outcome is None else event.outcome.value
    return math.isfinite(value or 0.0) and math.isfinite(event.minutes_of_support or 0.0)


def _closely(document: Any, where: str, limits: EventLimits) -> PerformanceEvent:
    """Read field by field: accepts null for absent, or refuses with every fault and its pointer."""
    try:
        node = node_of(document, limits.depth_max)
    except ValueError:
        strict_json.refuse_depth(where, limits.depth_max)
    event, lints = read_as(node, PerformanceEvent, "")
    if event is None:
        _refuse_lints(lints, where)
    return event


def _refuse_lints(lints: list[Lint], where: str) -> NoReturn:
    first = lints[0]
    others = "".join(f"\nalso {where}{lint.pointer}: {lint.message}; {lint.fix}" for lint in lints[1:20])
    refuse("event-invalid", where + first.pointer, first.message + others, rule=first.rule, fix=first.fix)


def _check_repeats(admitted: list[AdmittedEvent]) -> None:
    first: dict[bytes, int] = {}
    for number, one in enumerate(admitted):
        earlier = first.setdefault(one.id, number)
        if earlier != number and admitted[earlier].raw != one.raw:
            refuse(
                "event-id-repeated",
                f"/{number}/id",
                f'"{one.event.id}" of "{one.event.source}" stands at /{earlier} with other content',
                rule="an id is unique within its source, and an event never changes",
                fix="give the second event an id of its own",
            )
