"""Proves that a message of any CloudEvents mode and transport becomes the event that the official SDK put into it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.bindings.kafka import to_binary as to_kafka_binary
from cloudevents.core.bindings.kafka import to_structured as to_kafka_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import EventLimits
from carrythrough.events.message import attributes_of, events_of_message, read_message

ID = 'Fall "7" · 50 % & Größe 😀'
SOURCE = "crm/zürich"
DATA = {"skill": "calm", "outcome": {"met": True}}


def event(**changes: Any) -> CloudEvent:
    attributes = {
        "id": ID,
        "source": SOURCE,
        "type": "io.carrythrough.performance.task-outcome",
        "subject": "e-017",
        "time": dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC),
        "datacontenttype": "application/json",
        "specversion": "1.0",
    }
    return CloudEvent(
        attributes={k: v for k, v in (attributes | changes).items() if v is not None}, data=DATA
    )


def http(message: Any) -> tuple[bytes, dict[str, str]]:
    return message.body, {name.lower(): value for name, value in message.headers.items()}


def kafka(message: Any) -> tuple[bytes, dict[str, str]]:
    assert message.value is not None
    return message.value, {name: value.decode() for name, value in message.headers.items()}


@pytest.mark.parametrize("mode", ["binary", "structured", "kafka-binary", "kafka-structured"])
def test_what_the_official_sdk_sends_is_the_same_event_in_every_mode(mode: str) -> None:
    form = JSONFormat()
    if mode == "binary":
        (body, headers), binding = http(to_binary(event(), form)), "http"
    elif mode == "structured":
        (body, headers), binding = http(to_structured(event(), form)), "http"
    elif mode == "kafka-binary":
        (body, headers), binding = kafka(to_kafka_binary(event(), form)), "kafka"
    else:
        (body, headers), binding = kafka(to_kafka_structured(event(), form)), "kafka"
    (one,) = events_of_message(body, headers, binding=binding)
    assert (one.event.id, one.event.source, one.event.employee) == (ID, SOURCE, "e-017")
    assert (one.event.kind, one.event.skill) == ("task-outcome", "calm")
    assert one.t_ms == 1793527200000
    assert one.event.outcome is not None
    assert one.event.outcome.met is True


BINARY = {
    "content-type": "application/json; charset=utf-8",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "crm",
    "ce-type": "io.carrythrough.performance.task-outcome",
    "ce-time": "2026-11-01T10:00:00Z",
    "ce-subject": "e-1",
}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"a \\"quoted\\" \\\\ value"', 'a "quoted" \\ value'),
        ("%e2%82%ac", "€"),
        ("100%25", "100%"),
        ("%2525", "%25"),
        ("plain", "plain"),
    ],
)
def test_header_values_are_decoded_once(value: str, wanted: str) -> None:
    assert attributes_of({"ce-subject": value, "content-type": "x"}) == {"subject": wanted}


def test_kafka_headers_are_not_percent_decoded() -> None:
    assert attributes_of({"ce_subject": "100%25"}, "kafka") == {"subject": "100%25"}


@pytest.mark.parametrize(
    ("headers", "where", "words"),
    [
        ({"ce-id": "%zz"}, "ce-id", "percent-encoded"),
        ({"ce-id": "%ff"}, "ce-id", "percent-encoded"),
        ({"ce-id": "é"}, "ce-id", "percent-encoded"),
        ({"ce-specversion": "0.3"}, "ce-specversion", "1.0"),
        ({"ce-type": ""}, "ce-type", "required"),
        ({"ce-no_such": "x"}, "ce-no_such", "lower-case"),
        ({"content-type": "text/plain"}, "content-type", "JSON"),
        ({"ce-id": "x" * 3_000}, "ce-id", "ATTRIBUTE_CHARACTERS_MAX"),
    ],
)
def test_a_wrong_header_is_named(headers: dict[str, str], where: str, words: str) -> None:
    problem = read_message(json.dumps(DATA).encode(), BINARY | headers)
    assert isinstance(problem, Problem)
    assert problem.where == where
    assert words in problem.sentence()


@pytest.mark.parametrize(
    ("body", "where"), [(b"[]", "/data"), (b"", ""), (b'{"outcome": {"met": 1}}', "/outcome/met")]
)
def test_a_wrong_body_is_named(body: bytes, where: str) -> None:
    problem = read_message(body, BINARY)
    assert isinstance(problem, Problem)
    assert problem.where == where


def test_a_structured_media_type_wins_over_headers() -> None:
    structured = {"specversion": "1.0", "id": "2", "source": "s", "type": "t", "data": DATA | {
        "kind": "qa-result", "employee": "e-1", "time": "2026-11-01T10:00:00Z"}}  # fmt: skip
    headers = BINARY | {"content-type": "application/cloudevents+json"}
    (one,) = events_of_message(json.dumps(structured).encode(), headers)
    assert one.event.id == "2"


def test_plain_json_goes_the_plain_way() -> None:
    plain = {"id": "1", "source": "s", "kind": "opportunity", "employee": "e", "time": "2026-11-01T10:00:00Z"}
    assert (
        len(events_of_message(json.dumps([plain, plain]).encode(), {"content-type": "application/json"})) == 2
    )
    assert isinstance(read_message(b"{", {}), Problem)


def test_a_limit_holds_in_binary_mode_too() -> None:
    with pytest.raises(PermanentError, match="event_bytes_max"):
        events_of_message(json.dumps(DATA).encode(), BINARY, EventLimits(event_bytes_max=10))
