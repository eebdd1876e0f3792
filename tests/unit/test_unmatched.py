"""Why a record gave no evidence: each reason from a record that has it, and each reason has words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carrythrough.events.performance import admit_events
from carrythrough.evidence.needs import EXTENSION
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.pipeline.plan import Add, InForce, plan
from carrythrough.pipeline.records import VOIDED_VERB, Kind, Record
from carrythrough.pipeline.unmatched import WORDS, why_unmatched
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}, {id: t, name: T, target: 1, grain: team}]}]
skills: [{id: calm, name: Calm, kpis: [k, t]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
events: [{id: calls, match: {source: crm}, evidence: [{skill: calm, channel: job}]}]
"""  # noqa: E501
IN_FORCE = InForce(Program(load_program(MAP, "map.yaml")), RosterIndex(Roster(people=()), b"k" * 32), SHIPPED)
ANN = {"mbox": "mailto:ann@x.example"}
CMI5 = {"contextActivities": {"category": [{"id": "https://w3id.org/xapi/cmi5/context/categories/cmi5"}]}}
REGISTRATION = "6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b"
STATEMENTS: dict[str, dict[str, Any]] = {
    "voids-another": {
        "verb": {"id": VOIDED_VERB},
        "object": {"objectType": "StatementRef", "id": "6d2e4a0e-6b5e-4f0e-9d1f-0c8f8d8f1a2b"},
    },
    "needs-survey": {
        "result": {
            "extensions": {
                EXTENSION: {
                    "respondent": "learner",
                    "scale": "1-5",
                    "skills": [{"skill": "calm", "importance": 5}],
                }
            }
        }
    },
    "needs-unreadable": {"result": {"extensions": {EXTENSION: "not even readable"}}},
    "nobody": {"actor": {"objectType": "Group", "member": [ANN]}},
    "course-lifecycle": {
        "verb": {"id": "http://adlnet.gov/expapi/verbs/launched"},
        "context": {"registration": REGISTRATION, "extensions": {}, **CMI5},
    },
    "no-activity": {},
    "nothing-new": {"object": {"id": "https://x.example/q/1"}},
}
EVENTS: dict[str, dict[str, Any]] = {
    "retracts-another": {"kind": "retraction", "retracts": "7"},
    "action-answer": {
        "kind": "action-answer",
        "skill": "x",
        "reply": {"action": "a", "answer": "done"},
    },
    "unknown-kpi": {"kind": "kpi-reading", "kpi": "gone", "outcome": {"value": 1}},
    "team-grain": {"source": "crm", "kind": "kpi-reading", "kpi": "t", "outcome": {"value": 1}},
    "no-event-rule": {"kind": "qa-result", "outcome": {"met": True}},
}


def statement(**members: Any) -> Record:
    made = {
        "actor": ANN,
        "verb": {"id": "http://x.example/v"},
        "object": {"id": "http://x.example/o"},
        **members,
    }
    [one] = admit(
        json.dumps({"id": "00000000-0000-4000-8000-000000000001", **made}).encode(), Limits(), "1.0.3"
    )
    return Record(1, Kind.STATEMENT, 1_790_000_000_000, one.id, one.t_ms, one.statement)


def event(**members: Any) -> Record:
    made = {"id": "1", "source": "qa", "employee": "e-1", "time": "2026-09-01T10:00:00Z", **members}
    [one] = admit_events(json.dumps(made).encode(), "application/json")
    return Record(1, Kind.EVENT, 1_790_000_000_000, one.id, one.t_ms, one.event)


@pytest.mark.parametrize("reason", STATEMENTS)
def test_statements(reason: str) -> None:
    assert why_unmatched(statement(**STATEMENTS[reason]), IN_FORCE) == reason


@pytest.mark.parametrize("reason", EVENTS)
def test_events(reason: str) -> None:
    record = event(**EVENTS[reason])
    assert why_unmatched(record, IN_FORCE) == reason
    assert not [operation for operation in plan([record], IN_FORCE) if type(operation) is Add]


def test_every_reason_is_shown_in_words_and_by_a_record_here() -> None:
    assert set(WORDS) == {*STATEMENTS, *EVENTS}
