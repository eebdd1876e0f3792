"""One message, as a transport hands it over (bytes and headers), to admitted events or the reason why not.

HTTP and Kafka carry CloudEvents in the same three content modes and differ in the names of the headers
and in how their values are spelled, so both go through here, and so can any other transport.
Sources: CloudEvents 1.0.2, HTTP Protocol Binding 3.1 to 3.3, Kafka Protocol Binding 3.1 to 3.3.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import DEFAULT_LIMITS, EventLimits, admit_document, admit_events, read_json
from carrythrough.events.refusals import refuse, refuse_limit
from carrythrough.events.types import AdmittedEvent

Binding = Literal["http", "kafka"]
_PREFIX = {"http": "ce-", "kafka": "ce_"}
ATTRIBUTE_CHARACTERS_MAX = 2_000
"""Longest attribute value read from a header; ids and sources are at most 200 characters in any case."""

_ATTRIBUTE = re.compile(r"[a-z0-9]{1,40}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def events_of_message(
    body: bytes,
    headers: Mapping[str, str],
    limits: EventLimits = DEFAULT_LIMITS,
    *,
    binding: Binding = "http",
) -> list[AdmittedEvent]:
    """Return the events of one message, all of them or none; raises PermanentError as `admit_events`.

    headers: names in lower case, values as text (HTTP: decoded as Latin-1; Kafka: as UTF-8). A message
    with `ce-specversion` (Kafka: `ce_specversion`) that is no `application/cloudevents…` is in binary mode:
    its body is the performance event and its headers are the envelope.
    """
    content_type = headers.get("content-type", "")
    prefix = _PREFIX[binding]
    if f"{prefix}specversion" not in headers or content_type.strip().lower().startswith(
        "application/cloudevents"
    ):
        return admit_events(body, content_type, limits)
    return [_binary(body, headers, limits, binding)]


def read_message(
    body: bytes,
    headers: Mapping[str, str],
    limits: EventLimits = DEFAULT_LIMITS,
    *,
    binding: Binding = "http",
) -> list[AdmittedEvent] | Problem:
    """Return the events of one message, or the problem that keeps it out; for consumers that go on after it."""
    try:
        return events_of_message(body, headers, limits, binding=binding)
    except PermanentError as refused:
        return refused.problem


def is_binary(headers: Mapping[str, str]) -> bool:
    """Say whether an HTTP request carries a CloudEvent in binary mode."""
    kind = headers.get("content-type", "").strip().lower()
    return "ce-specversion" in headers and not kind.startswith("application/cloudevents")


def _binary(body: bytes, headers: Mapping[str, str], limits: EventLimits, binding: Binding) -> AdmittedEvent:
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media and media != "application/json" and not media.endswith("+json"):
        refuse(
            "content-type-unsupported",
            "content-type",
            f'the data of the CloudEvent is "{media[:100]}"',
            rule="CloudEvents HTTP binding 3.1.1: in binary mode Content-Type is that of the data, here JSON",
            fix="send the performance event as JSON with Content-Type: application/json",
        )
    if len(body) > limits.event_bytes_max:
        message = f"the event has {len(body)} bytes"
        refuse_limit("event-too-large", "", message, "event_bytes_max", limits.event_bytes_max)
    envelope: dict[str, Any] = attributes_of(headers, binding)
    envelope["data"] = read_json(body, "", limits)
    prefix = _PREFIX[binding]
    try:
        return admit_document(envelope, "", limits, enveloped=True)
    except PermanentError as refused:
        problem = refused.problem
        if problem.code != "cloudevent-invalid" or problem.where == "/data":
            raise
        refuse(
            problem.code,
            prefix + problem.where.removeprefix("/"),
            problem.detail,
            rule=problem.rule,
            fix=f"{problem.fix}, as the header {prefix}{problem.where.removeprefix('/')}",
        )


def attributes_of(headers: Mapping[str, str], binding: Binding = "http") -> dict[str, str]:
    """Return the CloudEvents attributes in a message's headers; raises PermanentError "cloudevent-invalid"."""
    prefix = _PREFIX[binding]
    found = {}
    for name, value in headers.items():
        if name.startswith(prefix):
            attribute = name.removeprefix(prefix)
            if not _ATTRIBUTE.fullmatch(attribute):
                refuse(
                    "cloudevent-invalid",
                    name[:80],
                    f'"{attribute[:60]}" is no name of an attribute',
                    rule="CloudEvents 1.0: attribute names are lower-case letters and digits",
                    fix="leave the header out, or rename the extension",
                )
            found[attribute] = _decoded(name, value) if binding == "http" else value
    return found


def _decoded(name: str, value: str) -> str:
    """Return what a header value stands for: quotes taken off, then percent-decoded once (HTTP binding 3.1.3.2)."""
    text = value.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    if len(text) > ATTRIBUTE_CHARACTERS_MAX:
        what = f"the value has {len(text)} characters"
        refuse_limit("cloudevent-invalid", name, what, "ATTRIBUTE_CHARACTERS_MAX", ATTRIBUTE_CHARACTERS_MAX)
    decoded = None
    if not _BAD_PERCENT.search(text):
        with contextlib.suppress(ValueError):
            decoded = unquote_to_bytes(text.encode("latin-1")).decode()
    if decoded is None:
        refuse(
            "cloudevent-invalid",
            name[:80],
            f"{text[:60]!r} does not decode",
            rule="CloudEvents HTTP binding 3.1.3.2: values are percent-encoded UTF-8",
            fix="percent-encode each byte of the UTF-8 text that is a space, a double quote, a percent sign "
            "or not printable ASCII, or let a CloudEvents library write the headers",
        )
    return decoded
