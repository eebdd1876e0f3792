"""Proves that performance events are admitted whole or refused with pointer, rule and fix."""

from __future__ import annotations

import base64
import contextlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import (
    ERROR_CODES,
    AdmittedEvent,
    EventLimits,
    admit_events,
    decode_event,
    source_id,
)
from carrythrough.xapi.refusals import ERROR_CODES as JSON_CODES

EVENT: dict[str, Any] = {
    "id": "crm-1",
    "source": "crm",
    "kind": "task-outcome",
    "employee": "e-017",
    "time": "2026-11-01T11:00:00+01:00",
    "skill": "de-escalation",
    "outcome": {"met": True},
}
T_MS = 1793527200000


def event(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (EVENT | changes).items() if value is not ...}


def admit(document: Any, content_type: str = "application/json", **limits: int) -> list[AdmittedEvent]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return admit_events(body, content_type, EventLimits(**limits))


def refused(document: Any, content_type: str = "application/json", **limits: int) -> Problem:
    with pytest.raises(PermanentError) as caught:
        admit(document, content_type, **limits)
    problem = caught.value.problem
    assert problem.code in ERROR_CODES or problem.code in JSON_CODES
    assert problem.title
    assert problem.detail
    assert problem.rule
    assert problem.fix
    return problem


def test_an_event_is_admitted_with_its_id_and_time() -> None:
    (one,) = admit(EVENT)
    assert one.id == source_id("crm", "crm-1")
    assert len(one.id) == 16
    assert one.t_ms == T_MS
    assert one.event.outcome is not None
    assert one.event.outcome.met is True
    assert decode_event(one.raw) == one.event


def test_an_id_belongs_to_its_source() -> None:
    pairs = [("a", "b"), ("b", "a"), ("ab", "x"), ("a", "bx")]
    assert len({admit(event(source=source, id=name))[0].id for source, name in pairs}) == 4


def test_another_spelling_of_the_same_event_has_the_same_bytes() -> None:
    plain = admit(EVENT)[0].raw
    spelled = json.dumps(dict(reversed(EVENT.items())), indent=3).replace("crm-1", "crm\\u002d1")
    assert admit(spelled.encode())[0].raw == plain
    assert admit(event(minutes_of_support=None, assisted=False, kpi=""))[0].raw == plain


@pytest.mark.parametrize(
    ("body", "content_type", "count"),
    [
        (json.dumps([EVENT, event(id="2")]), "application/json", 2),
        (
            json.dumps(EVENT) + "\n\n" + json.dumps(event(id="2")) + "\r\n",
            "application/x-ndjson; charset=utf-8",
            2,
        ),
        (json.dumps(EVENT), "application/jsonl", 1),
        (json.dumps(EVENT), "", 1),
        ("[]", "application/json", 0),
    ],
)
def test_several_events_come_in_their_order(body, content_type, count) -> None:
    found = admit(body.encode(), content_type)
    assert [one.event.id for one in found] == ["crm-1", "2"][:count]


@pytest.mark.parametrize(
    ("document", "where", "code", "words"),
    [
        (event(skil="x", skill=...), "/skil", "event-invalid", 'did you mean "skill"?'),
        (event(kind="task-outcom"), "/kind", "event-invalid", 'did you mean "task-outcome"?'),
        (event(outcome={"score": 80}), "/outcome/score", "event-invalid", "write 0.8"),
        (event(outcome={"score": "0.8"}), "/outcome/score", "event-invalid", "a number"),
        (event(outcome={"score": 0.8, "met": True}), "/outcome", "event-invalid", "exactly one of"),
        (event(outcome={}), "/outcome", "event-invalid", "exactly one of"),
        (event(outcome=...), "/outcome", "event-invalid", "opportunity"),
        (event(kind="job-aid-use"), "/outcome", "event-invalid", "leave it out"),
        (event(outcome={"value": 3}), "/kpi", "event-invalid", "target"),
        (event(employee=...), "/employee", "event-invalid", "one person"),
        (event(actor={"mbox": "mailto:a@b.c"}), "/employee", "event-invalid", "one person"),
        (
            event(employee=..., actor={"mbox": "a@b.c"}),
            "/actor/mbox",
            "event-invalid",
            'write "mailto:a@b.c"',
        ),
        (event(employee=..., actor={"name": "A"}), "/actor", "event-invalid", "0 identifiers"),
        (
            event(employee=..., actor={"mbox": "mailto:a@b.c", "openid": "https://a"}),
            "/actor",
            "event-invalid",
            "2 identifiers",
        ),
        (event(time="2026-11-01"), "/time", "event-time-invalid", "zone"),
        (event(time="2026-11-01T10:00:00"), "/time", "event-time-invalid", "zone"),
        (event(time="2026-13-01T10:00:00Z"), "/time", "event-time-invalid", "zone"),
        (event(time=1793527200), "/time", "event-invalid", "quotes"),
        (event(skill="De-Escalation"), "/skill", "event-invalid", 'write "de-escalation"'),
        (event(skill="de-escalation\n"), "/skill", "event-invalid", "de-escalation"),
        (event(id="a\u0000b"), "/id", "event-invalid", "control characters"),
        (event(id=""), "/id", "event-invalid", "empty"),
        (event(id="x" * 201), "/id", "event-invalid", "at most 200"),
        (event(id="\ud800"), "/id", "event-invalid", "surrogate"),
        (event(observer={"role": "boss"}), "/observer/role", "event-invalid", "manager, peer"),
        (event(minutes_of_support=-1), "/minutes_of_support", "event-invalid", "at least 0"),
        ([EVENT, event(id="2", kind=...)], "/1/kind", "event-invalid", "missing"),
        ([EVENT, 7], "/1", "event-invalid", "a mapping"),
        ([EVENT, event(outcome={"met": False})], "/1/id", "event-id-repeated", "/0"),
        ("text", "", "event-invalid", "a mapping"),
    ],
)
def test_a_fault_is_refused_at_its_place(document, where, code, words) -> None:
    problem = refused(document)
    assert (problem.where, problem.code, problem.status) == (where, code, 400)
    assert words in problem.sentence()


def test_every_fault_of_an_event_is_told_at_once() -> None:
    problem = refused([EVENT, event(kind="x", outcome={"score": 2})])
    assert problem.where == "/1/kind"
    assert "also /1/outcome/score" in problem.detail


def test_an_exact_repetition_is_admitted_twice() -> None:
    first, second = admit([EVENT, EVENT])
    assert first == second


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"", "body-empty", ""),
        (b" " * 1000, "body-empty", ""),
        (b"{", "json-malformed", ""),
        (b"\xff\xfe", "json-not-unicode", ""),
        (b'{"id": "1", "id": "2"}', "json-duplicate-key", "/id"),
        (b'[{"outcome": {"met": true, "met": true}}]', "json-duplicate-key", "/0/outcome/met"),
        (b'{"outcome": {"value": NaN}}', "json-not-finite", ""),
        (b'{"outcome": {"value": -Infinity}}', "json-not-finite", ""),
        (b"[" * 100_000, "json-too-deep", ""),
        (b'{"outcome":' * 500 + b"1" + b"}" * 500, "json-too-deep", ""),
        (b'{"x": ' + b"9" * 5000 + b"}", "json-number-range", "/x"),
    ],
)
def test_doubtful_json_is_refused_like_that_of_statements(body, code, where) -> None:
    problem = refused(body)
    assert (problem.code, problem.where) == (code, where)


def test_a_number_beyond_a_double_is_refused() -> None:
    body = json.dumps(event(outcome={"value": 12345}, kpi="k")).replace("12345", "1e999").encode()
    assert refused(body).where == "/outcome/value"


def test_faults_in_lines_name_the_event() -> None:
    body = json.dumps(EVENT).encode() + b'\n{"id": NaN}'
    problem = refused(body, "application/x-ndjson")
    assert (problem.code, problem.where) == ("json-not-finite", "/1")
    assert refused(b"\n \n", "application/x-ndjson").code == "body-empty"


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"events_per_request_max": 2}, "too-many-events"),
        ({"body_bytes_max": 100}, "body-too-large"),
        ({"event_bytes_max": 50}, "event-too-large"),
    ],
)
@pytest.mark.parametrize("lines", [True, False])
def test_each_limit_is_kept_and_named(limit, code, lines) -> None:
    events = [event(id=str(n)) for n in range(3)]
    body = "\n".join(map(json.dumps, events)) if lines else json.dumps(events)
    problem = refused(body.encode(), "application/x-ndjson" if lines else "application/json", **limit)
    assert (problem.code, problem.status) == (code, 413)
    assert problem.rule == f"Limit {next(iter(limit))} = {next(iter(limit.values()))}"


@pytest.mark.parametrize("part", [b"{},", b"[],", b"0,", b'"",'])
def test_millions_of_tiny_values_are_refused_before_they_are_built(part) -> None:
    body = b"[" + part * 2_000_000 + b"0]"
    tracemalloc.start()
    try:
        assert refused(body).code == "too-many-events"
        assert tracemalloc.get_traced_memory()[1] < 8 * len(body)
    finally:
        tracemalloc.stop()


def test_commas_and_brackets_inside_texts_are_no_parts() -> None:
    assert (
        len(admit([event(id=str(n), activity="[,{" * 60) for n in range(3)], events_per_request_max=3)) == 3
    )


def test_another_content_type_is_refused() -> None:
    problem = refused(EVENT, "text/csv")
    assert (problem.code, problem.status) == ("content-type-unsupported", 415)
    assert "application/x-ndjson" in problem.fix


def envelope(**changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "type": "io.carrythrough.performance.qa-result",
        "source": "/qa",
        "id": "9",
        "time": "2026-11-01T10:00:00Z",
        "subject": "e-017",
        "datacontenttype": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"skill": "listening", "outcome": {"score": 0.5}},
    } | changes
    return {name: value for name, value in whole.items() if value is not ...}


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", "application/json"])
def test_an_envelope_fills_what_the_data_leaves_out(content_type) -> None:
    (one,) = admit(envelope(), content_type)
    ev = one.event
    assert (ev.id, ev.source, ev.kind, ev.employee, one.t_ms) == ("9", "/qa", "qa-result", "e-017", T_MS)


def test_what_the_data_says_itself_wins() -> None:
    data = event(employee=..., actor={"account": {"homePage": "https://crm", "name": "ann"}})
    (one,) = admit(envelope(type="com.example.ticket", data=data))
    assert (one.event.id, one.event.source, one.event.kind, one.event.employee) == (
        "crm-1",
        "crm",
        "task-outcome",
        "",
    )
    assert one.event.actor is not None
    assert one.event.actor.account is not None
    assert one.event.actor.account.home_page == "https://crm"


def test_a_batch_of_envelopes_is_admitted() -> None:
    found = admit([envelope(), envelope(id="10")], "application/cloudevents-batch+json")
    assert [one.event.id for one in found] == ["9", "10"]


def test_data_in_base64_is_the_same_event() -> None:
    plain = envelope()
    packed = envelope(data=..., data_base64=base64.b64encode(json.dumps(plain["data"]).encode()).decode())
    assert [one.raw for one in admit(packed)] == [one.raw for one in admit(plain)]
    broken = envelope(data=..., data_base64=base64.b64encode(b'{"skill": ').decode())
    assert refused(broken).where == "/data_base64"


@pytest.mark.parametrize(
    ("document", "where", "words"),
    [
        (envelope(specversion="0.3"), "/specversion", "1.0"),
        (envelope(id=...), "/id", "required"),
        (envelope(data=...), "/data", "performance event"),
        (envelope(data=..., data_base64="a-b"), "/data_base64", "no Base64"),
        (envelope(data=..., data_base64=7), "/data_base64", "no Base64"),
        (envelope(data=..., data_base64="WzFd"), "/data_base64", "not an object"),
        (envelope(data_base64="e30="), "/data_base64", "keep one"),
        ([envelope(), envelope(source="")], "/1/source", "required"),
        ([envelope(), 7], "/1", "an object"),
    ],
)
def test_a_broken_envelope_is_refused_at_its_place(document, where, words) -> None:
    problem = refused(document, "application/cloudevents+json")
    assert (problem.code, problem.where) == ("cloudevent-invalid", where)
    assert words in problem.sentence()


def test_plain_events_are_no_cloudevents() -> None:
    assert refused(EVENT, "application/cloudevents+json").where == "/specversion"


@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/x-ndjson"]))
def test_no_bytes_raise_anything_but_a_refusal(body, content_type) -> None:
    with contextlib.suppress(PermanentError):
        admit(body, content_type)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EVENT, "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(EVENT)), JSON)
def test_no_value_in_any_place_raises_anything_but_a_refusal(name, value) -> None:
    try:
        (one,) = admit(event(**{name: value}))
    except PermanentError:
        return
    assert decode_event(one.raw) == one.event
