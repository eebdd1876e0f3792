"""Proves that the published schemas and our readers accept and refuse the same documents.

Sound documents are changed in one or two places at random; then the JSON Schema's verdict must be
the reader's. What only our checks beyond shapes refuse (references, known times) is left out.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema_rs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carrythrough.authoring.reading import read_as
from carrythrough.authoring.source import node_of
from carrythrough.errors import PermanentError
from carrythrough.events.admission import admit_document
from carrythrough.events.schema import performance_event_schema
from carrythrough.identity.person import Roster
from carrythrough.identity.roster import check_roster
from carrythrough.identity.schema import roster_schema
from carrythrough.program.schema import program_map_schema
from carrythrough.program.types import ProgramMap

PROGRAM: dict[str, Any] = {
    "map": "m",
    "version": 1,
    "name": "M",
    "owner": "L",
    "goals": [
        {
            "id": "g",
            "name": "G",
            "kpis": [
                {
                    "id": "k",
                    "name": "K",
                    "unit": "s",
                    "direction": "down",
                    "grain": "team",
                    "target": 1.5,
                    "source": "crm",
                    "noise_sd": 0.5,
                    "reliability": 0.3,
                    "baseline": {"days": 90},
                    "split_by": "role",
                    "targets": [{"role": "lead", "target": 2}],
                }
            ],
        }
    ],
    "skills": [
        {
            "id": "s",
            "name": "S",
            "kpis": ["k"],
            "target": 0.7,
            "roles": {"agent": 1},
            "volatile": True,
            "safety_critical": False,
            "job_aid_minutes": 30,
            "opportunity_days": 14,
        }
    ],
    "objectives": [{"id": "o", "skill": "s", "statement": "Does it.", "activities": ["a"]}],
    "activities": [
        {
            "id": "a",
            "name": "A",
            "modality": "support",
            "match": {
                "verb": "https://v",
                "parent": ["u:p"],
                "extension": {"iri": "u:x", "path": ["a", "0"], "equals": ["b", 2, True]},
                "except": {"verb": "https://w"},
            },
            "evidence": [
                {
                    "skill": "s",
                    "channel": "learn",
                    "outcome": "score",
                    "weight": 1,
                    "item": "activity",
                    "difficulty": 0.5,
                }
            ],
        }
    ],
    "events": [
        {
            "id": "e",
            "match": {"kind": ["qa-result"], "source": "crm"},
            "evidence": [{"skill": "s", "channel": "job", "weight": 2}],
        }
    ],
    "reinforcement": [
        {
            "id": "r",
            "when": {
                "stage": "fading",
                "score_below": 0.6,
                "seen": {"channel": "job", "days": 30, "at_least": 2},
                "unseen": [{"channel": "practice", "days": 9}],
            },
            "action": "nudge",
            "to": "manager",
            "title": "T",
            "body": "B",
            "link": "https://l",
            "expires_h": 5,
            "adapters": ["console"],
        }
    ],
    "policy": {
        "per_day": 1,
        "per_week": 3,
        "cooldown_h": 72,
        "quiet": {"from": "20:00", "to": "07:00"},
        "days_off": ["sun"],
        "holdout": 0.1,
        "kill": {"actions": ["nudge"], "adapters": [], "subjects": ["x"]},
        "minimum_outcomes": 5,
        "minimum_effective": 3,
    },
    "programs": [
        {
            "id": "p",
            "name": "P",
            "start": "2026-01-01",
            "cohorts": [{"id": "c", "teams": "t", "people": ["e-1"]}],
        }
    ],
    "needs": {"high_from": 0.5},
    "tests": [
        {
            "id": "t",
            "name": "T",
            "given": [{"statement": {"verb": "https://v"}, "times": 2}],
            "expect": {"evidence": {"skill": "s", "channel": "learn"}, "stages": {"s": "fading"}},
        }
    ],
}
ROSTER: dict[str, Any] = {
    "roster": "r",
    "people": [
        {
            "id": "e-1",
            "name": "Ann",
            "identifiers": [
                {"mbox": "mailto:a@b.c"},
                {"mbox_sha1sum": "ab" * 20},
                {"openid": "https://o"},
                {"account": {"homePage": "https://h", "name": "ann"}},
            ],
            "email": "x@y.z",
            "team": "t",
            "role": "r",
            "site": "s",
            "time_zone": "UTC",
            "work_hours": "08:00-17:00",
            "days_off": ["sat"],
            "locale": "de-CH",
            "opted_out": "nudge",
            "aliases": ["old-1"],
            "former_emails": ["old@y.z"],
            "cohorts": "wave-1",
            "week": {"mon": "08:00-12:00", "fri": "22:00-06:00"},
            "hire_date": "2024-03-01",
            "exit_date": "2026-12-31",
            "leave": [{"from": "2026-07-06", "to": "2026-07-17"}],
            "active": True,
        }
    ],
}
EVENT: dict[str, Any] = {
    "id": "1",
    "source": "crm",
    "kind": "observation",
    "employee": "e-1",
    "time": "2026-11-01T10:00:00Z",
    "skill": "s",
    "activity": "a",
    "kpi": "k",
    "outcome": {"met": True},
    "assisted": False,
    "observer": {"role": "peer"},
    "grain": "individual",
    "minutes_of_support": 3.5,
}
ACTOR_EVENT = {k: v for k, v in EVENT.items() if k != "employee"} | {
    "actor": {"objectType": "Agent", "name": "A", "account": {"homePage": "https://h", "name": "n"}}
}
TEAM_EVENT = {k: v for k, v in EVENT.items() if k != "employee"} | {"grain": "team", "team": "North"}
CORRECTION = EVENT | {"id": "2", "corrects": "1", "revision": 1}
RETRACTION = {
    "id": "3",
    "source": "crm",
    "kind": "retraction",
    "time": "2026-11-01T10:00:00Z",
    "retracts": "1",
    "employee": "e-1",
}
SURVEY = {
    "id": "4",
    "source": "hr",
    "kind": "needs-survey",
    "time": "2026-11-01T10:00:00Z",
    "employee": "e-1",
    "grain": "individual",
    "needs": {
        "respondent": "manager",
        "scale": "1-5",
        "skills": [{"skill": "s", "importance": 5, "confidence": 1.5}, {"skill": "a", "expectation": 2}],
    },
}
ANSWER = {
    "id": "5",
    "source": "chat",
    "kind": "action-answer",
    "time": "2026-11-01T10:00:00Z",
    "employee": "e-1",
    "skill": "s",
    "reply": {"action": "a", "answer": "not-relevant", "rule": "r", "days": 3, "text": "T"},
}
APPLIED = ANSWER | {"outcome": {"score": 0.5}, "reply": {"action": "a", "answer": "applied", "about": "e-2"}}
EVENTS = (EVENT, ACTOR_EVENT, TEAM_EVENT, CORRECTION, RETRACTION, SURVEY, ANSWER, APPLIED)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 101),
    st.sampled_from([0.5, 1.0, 2.0, -0.1, 8.5, 1e300]),
    st.sampled_from(
        ["", "a", "A b", "s", "learn", "job", "fading", "nudge", "sat", "25:00", "09:00", "a\n", "é", "all"]
    ),
    st.sampled_from(
        [
            "mailto:a@b.c",
            "qa-result",
            "opportunity",
            "needs-survey",
            "action-answer",
            "not-now",
            "unsubscribe",
            "applied",
            "0-1",
            "team",
            "peer",
            "x" * 65,
            "x" * 201,
        ]
    ),
    st.sampled_from(
        [[], {}, ["a"], [1], [None], {"a": 1}, {"x": "y"}, {"met": True}, {"value": 1}, {"score": 0.1}]
    ),
).map(copy.deepcopy)


@st.composite
def changed(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """Draw `document` with one or two of its values replaced, removed, renamed or added to."""
    result = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        place = result
        for _ in range(draw(st.integers(0, 5))):
            inner = place.values() if isinstance(place, dict) else place
            deeper = [value for value in inner if isinstance(value, (dict, list)) and value]
            if not deeper:
                break
            place = draw(st.sampled_from(deeper))
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            place[key] = draw(VALUES)
        elif change == "remove":
            del place[key]
        elif isinstance(place, dict):
            place[
                draw(
                    st.sampled_from(
                        [
                            "x",
                            "name",
                            "weight",
                            "match",
                            "mbox",
                            "employee",
                            "kpi",
                            "team",
                            "corrects",
                            "retracts",
                            "needs",
                            "reply",
                            "topic",
                            "days",
                            "importance",
                        ]
                    )
                )
            ] = draw(VALUES)
        else:
            place.append(draw(VALUES))
    return result


PROGRAM_SCHEMA = jsonschema_rs.validator_for(program_map_schema())
ROSTER_SCHEMA = jsonschema_rs.validator_for(roster_schema())
EVENT_SCHEMA = jsonschema_rs.validator_for(performance_event_schema())
BEYOND_SHAPES = {
    "duplicate-id",
    "duplicate-identifier",
    "unknown-manager",
    "own-manager",
    "manager-cycle",
    "unknown-time-zone",
    "bad-date",
    "date-out-of-range",
    "dates-out-of-order",
    "empty",
}


def test_the_sound_documents_are_sound() -> None:
    assert PROGRAM_SCHEMA.is_valid(PROGRAM)
    assert ROSTER_SCHEMA.is_valid(ROSTER)
    assert all(EVENT_SCHEMA.is_valid(event) for event in EVENTS)
    assert read_as(node_of(PROGRAM), ProgramMap, "")[1] == []
    assert read_as(node_of(ROSTER), Roster, "")[1] == []
    for event in EVENTS:
        admit_document(event)


@settings(max_examples=400)
@given(changed(PROGRAM))
@example(PROGRAM | {"skills": [{"id": "s", "name": "S", "kpis": "k"}]})
def test_a_program_map_is_read_as_its_schema_says(document) -> None:
    lints = read_as(node_of(document), ProgramMap, "")[1]
    assert PROGRAM_SCHEMA.is_valid(document) == (not lints), [lint.sentence() for lint in lints]


@settings(max_examples=400)
@given(changed(ROSTER))
def test_a_roster_is_read_as_its_schema_says(document) -> None:
    lints = check_roster(json.dumps(document), "r.json")[1]
    shapes = [lint for lint in lints if lint.code not in BEYOND_SHAPES]
    assert ROSTER_SCHEMA.is_valid(document) == (not shapes), [lint.sentence() for lint in lints]


@settings(max_examples=600)
@given(st.one_of(*map(changed, EVENTS)))
def test_an_event_is_admitted_as_its_schema_says(document) -> None:
    try:
        admit_document(document)
        problem = None
    except PermanentError as error:
        problem = error.problem
    # No schema compares two values: an id with what it takes back, a skill of a survey with the others.
    compared = problem is not None and ("itself" in problem.detail or "stands twice" in problem.detail)
    if problem is None or (problem.code != "event-time-invalid" and not compared):
        assert EVENT_SCHEMA.is_valid(document) == (problem is None), problem
