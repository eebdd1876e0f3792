"""Performance events in CloudEvents 1.0 envelopes (structured mode): unwrapping.

The envelope's id, source, time and subject fill what the data leaves out: a producer that
already speaks CloudEvents need not say anything twice. What the data says itself wins.
"""

from __future__ import annotations

import base64
from typing import Any

from carrythrough.events.types import RecordKind
from carrythrough.xapi import strict_json

TYPE_PREFIX = "io.carrythrough.performance."
"""An envelope type of this prefix plus the kind names the kind, when the data does not."""

DATA_DEPTH_MAX = 16
"""Nesting of data that comes as bytes: that of a performance event as it is."""
_KINDS = frozenset(RecordKind.__args__)  # type: ignore[attr-defined]


class EnvelopeError(Exception):
    """The envelope is wrong: (pointer below the envelope, message, rule, fix)."""

    def __init__(self, pointer: str, message: str, rule: str, fix: str) -> None:
        super().__init__(message)
        self.pointer, self.message, self.rule, self.fix = pointer, message, rule, fix


def is_envelope(document: Any) -> bool:
    """Return whether a JSON value looks like a CloudEvents envelope."""
    return isinstance(document, dict) and "specversion" in document


def unwrap(envelope: Any) -> dict[str, Any]:
    """Return the performance event inside an envelope; raises `EnvelopeError`."""
    if not isinstance(envelope, dict):
        rule = "CloudEvents 1.0 JSON format, 3"
        raise EnvelopeError("", "a CloudEvent is a JSON object", rule, "send an object")
    if envelope.get("specversion") != "1.0":
        raise EnvelopeError(
            "/specversion",
            f"specversion is {envelope.get('specversion')!r}",
            "CloudEvents 1.0: specversion is the text 1.0",
            'write "specversion": "1.0"',
        )
    for member in ("id", "source", "type"):
        if not isinstance(envelope.get(member), str) or not envelope[member]:
            raise EnvelopeError(
                f"/{member}",
                f'"{member}" is missing or no text',
                f"CloudEvents 1.0: {member} is required",
                f'add "{member}"',
            )
    data, member = _data_of(envelope)
    if not isinstance(data, dict):
        raise EnvelopeError(
            f"/{member}",
            f'"{member}" is not an object',
            "the data is a performance event",
            f'put the event into "{member}"',
        )
    event = dict(data)
    for member, name in (("id", "id"), ("source", "source"), ("time", "time"), ("subject", "employee")):
        taken = name in event or (name == "employee" and "actor" in event)
        if not taken and member in envelope:
            event[name] = envelope[member]
    kind = str(envelope["type"]).removeprefix(TYPE_PREFIX)
    if "kind" not in event and kind in _KINDS:
        event["kind"] = kind
    return event


def _data_of(envelope: dict[str, Any]) -> tuple[Any, str]:
    """Return the data and the member that holds it; bytes are JSON here (CloudEvents 1.0 JSON format, 3.1)."""
    if "data_base64" not in envelope:
        return envelope.get("data"), "data"
    where, rule = (
        "/data_base64",
        "CloudEvents 1.0 JSON format, 3.1: bytes in Base64, and one of the two members",
    )
    if "data" in envelope:
        raise EnvelopeError(where, 'there is "data" as well', rule, "keep one of the two")
    try:
        text = base64.b64decode(envelope["data_base64"], validate=True)
    except (TypeError, ValueError):
        raise EnvelopeError(where, '"data_base64" is no Base64', rule, 'send the event as "data"') from None
    return strict_json.read(text, where, DATA_DEPTH_MAX), "data_base64"
