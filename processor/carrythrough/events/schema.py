"""The published JSON Schema of a performance event (`schemas/performance-event.schema.json`)."""

from __future__ import annotations

from typing import Any

from carrythrough.authoring.schema import schema_of
from carrythrough.events.needs import ANSWERS
from carrythrough.events.types import BARE_KINDS, OUTCOME_KINDS, PerformanceEvent

_RETRACTION = frozenset({"retraction"})
_SURVEY = frozenset({"needs-survey"})
_ANSWER = frozenset({"action-answer"})
_PERSONS = ("employee", "actor", "team")


def performance_event_schema() -> dict[str, Any]:
    """Return the schema of one event; the ways to send several are those of the endpoint."""
    document = schema_of(
        PerformanceEvent,
        "performance-event",
        "Performance event",
        "One on-the-job fact about one employee: a KPI reading, a QA result, a task outcome, an "
        "observation, job-aid use, a self-report, or an opportunity; also the answers of a needs survey, "
        "the answer to an action, and the retraction of one.",
    )
    document["allOf"] = [
        {"if": _kind(OUTCOME_KINDS), "then": _given("outcome")},
        {"if": _kind(BARE_KINDS), "then": {"not": _given("outcome")}},
        {
            "if": {"properties": {"outcome": {"type": "object", **_given("value")}}, **_required("outcome")},
            "then": _some_text("kpi"),
        },
        _about_one(),
        {
            "if": _kind(_RETRACTION),
            "then": {"allOf": [_some_text("retracts"), {"not": _some_text("corrects")}]},
            "else": {"not": _some_text("retracts")},
        },
        {"if": _some_revision(), "then": _some_text("corrects")},
        {
            "if": _kind(_SURVEY),
            "then": {"allOf": [_given("needs"), {"properties": {"grain": {"enum": ["individual", None]}}}]},
            "else": {"not": _given("needs")},
        },
        *_answering(),
    ]
    document["$defs"]["ActionReply"]["allOf"] = _replying()
    document["$defs"]["SkillNeed"]["anyOf"] = [_given(name) for name in ANSWERS]
    document["$defs"]["NeedsSurvey"]["allOf"] = [_on_scale("1-5", "minimum"), _on_scale("0-1", "maximum")]
    document["$defs"]["EventOutcome"]["oneOf"] = [_given(name) for name in ("met", "score", "value")]
    identifiers = ("mbox", "mbox_sha1sum", "openid", "account")
    document["$defs"]["EventActor"]["oneOf"] = [_given(name) for name in identifiers]
    document["properties"]["time"] |= {"format": "date-time"}
    return document


def _about_one() -> dict[str, Any]:
    """Say whom an event may be about: one person; with the grain "team" also a team; a retraction also nobody."""
    named = [_given(name) if name == "actor" else _some_text(name) for name in _PERSONS]
    nobody = {"not": {"anyOf": named}}
    team = {"properties": {"grain": {"const": "team"}}, **_required("grain")}
    facts = {
        "oneOf": named,
        "if": _some_text("team"),
        "then": team,
    }
    return {"if": _kind(_RETRACTION), "then": {"oneOf": [*named, nobody]}, "else": facts}


def _answering() -> list[dict[str, Any]]:
    """Say that an answer to an action, and nothing else, has a reply, and that only "applied" says how it went."""
    individual = {"properties": {"grain": {"enum": ["individual", None]}}}
    applied = {"properties": {"reply": {"properties": {"answer": {"const": "applied"}}}}}
    scored = {"properties": {"outcome": _given("score")}}
    return [
        {
            "if": _kind(_ANSWER),
            "then": {"allOf": [_given("reply"), _some_text("skill"), individual]},
            "else": {"not": _given("reply")},
        },
        {
            "if": {"allOf": [_kind(_ANSWER), _given("outcome")]},
            "then": {"allOf": [applied, scored]},
        },
    ]


def _replying() -> list[dict[str, Any]]:
    """Say what each answer needs."""
    days = {**_required("days"), "properties": {"days": {"type": "integer", "minimum": 1}}}
    return [
        {"if": _answered("not-relevant"), "then": _some_text("rule")},
        {"if": _answered("unsubscribe"), "then": _some_text("topic")},
        {"if": _answered("not-now"), "then": days},
        {"if": days, "then": _answered("not-now", "not-relevant")},
    ]


def _answered(*answers: str) -> dict[str, Any]:
    return {"properties": {"answer": {"enum": list(answers)}}, **_required("answer")}


def _on_scale(scale: str, bound: str) -> dict[str, Any]:
    """Say that every answer keeps the bound of a scale, which is 1 for both of them."""
    answers = {name: {bound: 1} for name in ANSWERS}
    named = {"properties": {"scale": {"const": scale}}, **_required("scale")}
    return {"if": named, "then": {"properties": {"skills": {"items": {"properties": answers}}}}}


def _required(name: str) -> dict[str, Any]:
    return {"required": [name]}


def _given(name: str) -> dict[str, Any]:
    return {**_required(name), "properties": {name: {"not": {"type": "null"}}}}


def _some_text(name: str) -> dict[str, Any]:
    return {**_required(name), "properties": {name: {"type": "string", "minLength": 1}}}


def _some_revision() -> dict[str, Any]:
    return {**_required("revision"), "properties": {"revision": {"type": "integer", "minimum": 1}}}


def _kind(kinds: frozenset[str]) -> dict[str, Any]:
    return {"properties": {"kind": {"enum": sorted(kinds)}}, **_required("kind")}
