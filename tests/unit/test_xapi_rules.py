"""Proves every rule of a statement: what breaks it is refused with its code, its place and its section.

Each case changes one thing of a statement that uses the whole model, and is tried on both ways
in: as the only statement of a request, and behind a good one in a batch.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from carrythrough.errors import PermanentError
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.refusals import ERROR_CODES

GONE = object()
UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"

FULL: dict[str, Any] = {
    "id": UUID,
    "actor": {
        "objectType": "Agent",
        "name": "Ana",
        "account": {"homePage": "https://lms.example.org", "name": "4711"},
    },
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en-US": "answered"}},
    "object": {
        "objectType": "Activity",
        "id": "https://lms.example.org/q/1",
        "definition": {
            "name": {"en": "Question 1"},
            "description": {"en": "What next?"},
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "moreInfo": "https://lms.example.org/q/1/info",
            "interactionType": "choice",
            "correctResponsesPattern": ["a[,]b"],
            "choices": [{"id": "a", "description": {"en": "Ask"}}, {"id": "b"}],
            "extensions": {"https://example.org/x": {"free": [1, None]}},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": False,
        "response": "a[,]b",
        "duration": "PT1M30.5S",
        "extensions": {"https://example.org/tries": 2},
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": {"mbox": "mailto:ines@example.org"},
        "team": {"objectType": "Group", "name": "Team", "member": [{"openid": "https://id.example.org/a"}]},
        "contextActivities": {
            "parent": {"id": "https://lms.example.org/quiz"},
            "category": [{"id": "https://w3id.org/xapi/cmi5/context/categories/cmi5"}],
        },
        "revision": "1.2",
        "platform": "web",
        "language": "en-GB",
        "statement": {"objectType": "StatementRef", "id": UUID},
        "extensions": {"https://example.org/room": None},
    },
    "timestamp": "2026-03-01T09:30:00.000Z",
    "stored": "2026-03-01T09:30:01Z",
    "authority": {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
    "version": "1.0.3",
    "attachments": [
        {
            "usageType": "http://example.org/certificate",
            "display": {"en": "Certificate"},
            "description": {"en": "Of completion"},
            "contentType": "application/pdf",
            "length": 27,
            "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
            "fileUrl": "https://example.org/certificate.pdf",
        }
    ],
}
SUB = {
    "objectType": "SubStatement",
    "actor": {"mbox": "mailto:ana@example.org"},
    "verb": {"id": "http://example.org/visited"},
    "object": {"id": "http://example.org/site"},
    "context": {"registration": UUID},
}
AGENT = {"mbox": "mailto:bo@example.org"}


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """Return FULL with the value at a pointer ("/a/b") replaced, added or (GONE) taken out."""
    statement = deepcopy(FULL)
    *path, last = pointer.strip("/").split("/")
    place: Any = statement
    for name in path:
        place = place[int(name) if isinstance(place, list) else name.replace("~1", "/")]
    key: Any = int(last) if isinstance(place, list) else last.replace("~1", "/")
    if value is GONE:
        del place[key]
    else:
        place[key] = value
    return statement


def refusal(statement: Any, version: str = "1.0.3") -> Any:
    with pytest.raises(PermanentError) as alone:
        admit(json.dumps(statement).encode(), Limits(), version)
    good = json.dumps({**FULL, "id": "11111111-1111-4111-8111-111111111111"}, separators=(",", ":"))
    body = f"[{good},{json.dumps(statement, separators=(',', ':'))}]".encode()
    with pytest.raises(PermanentError) as second:
        admit(body, Limits(), version)
    problem = alone.value.problem
    assert second.value.problem.where == f"/1{problem.where}"
    assert second.value.problem.code == problem.code
    assert problem.code in ERROR_CODES
    assert problem.rule
    assert problem.fix
    assert problem.detail
    assert problem.status == 400
    return problem


CASES: list[tuple[str, Any, str, str, str]] = [
    # pointer changed, new value, code, where ("" = the pointer changed), part of the rule
    ("/actor", GONE, "property-missing", "/", "Data 2.4"),
    ("/verb", GONE, "property-missing", "/", "Data 2.4"),
    ("/object", GONE, "property-missing", "/", "Data 2.4"),
    ("/id", "not-a-uuid", "uuid-invalid", "", "4.4"),
    ("/id", 7, "type-wrong", "", "2.2"),
    ("/id", None, "property-null", "", "b1.b1"),
    ("/Actor", AGENT, "property-unknown", "", "b7"),
    ("/extra", 1, "property-unknown", "", "b7"),
    ("/actor", None, "property-null", "", "b1.b1"),
    ("/actor", [], "type-wrong", "", "2.2"),
    ("/actor", {}, "identifier-missing", "", "2.4.2.1"),
    ("/actor/name", 7, "type-wrong", "", "2.2"),
    ("/actor/mbox", "mailto:ana@example.org", "identifier-several", "/actor", "s2.b2"),
    ("/actor/account", GONE, "identifier-missing", "/actor", "s2.b1"),
    ("/actor/account/name", GONE, "property-missing", "/actor/account", "2.4.2.4"),
    ("/actor/account/homePage", "lms.example.org", "iri-invalid", "", "2.4.2.4"),
    ("/actor/account/homepage", "x", "property-unknown", "", "2.4.2.4"),
    ("/actor/objectType", "agent", "value-not-allowed", "", "b6"),
    ("/actor/objectType", "GroupActivity", "value-not-allowed", "", "b6"),
    ("/actor/member", [AGENT], "property-unknown", "", "2.4.2.1"),
    ("/actor", {"mbox": "ana@example.org"}, "mailbox-invalid", "/actor/mbox", "mbox"),
    ("/actor", {"mbox_sha1sum": "abc"}, "sha1-invalid", "/actor/mbox_sha1sum", "sha1sum"),
    ("/actor", {"openid": "id"}, "iri-invalid", "/actor/openid", "openid"),
    ("/actor", {"objectType": "Group"}, "group-empty", "", "s4.b1"),
    ("/actor", {"objectType": "Group", "member": []}, "group-empty", "", "s4.b1"),
    ("/actor", {"objectType": "Group", "member": AGENT}, "type-wrong", "/actor/member", "2.2"),
    (
        "/actor",
        {"objectType": "Group", "member": [{"objectType": "Group", "mbox": "mailto:g@x"}]},
        "property-misplaced",
        "/actor/member/0",
        "s4.b2",
    ),
    ("/actor", {"objectType": "Group", "member": [{}]}, "identifier-missing", "/actor/member/0", "2.4.2.1"),
    (
        "/actor",
        {"objectType": "Group", "mbox": "mailto:g@x", "openid": "https://x"},
        "identifier-several",
        "/actor",
        "s5.b1",
    ),
    ("/verb/id", GONE, "property-missing", "/verb", "2.4.3"),
    ("/verb/id", "answered", "iri-invalid", "", "2.4.3"),
    ("/verb/id", "", "iri-invalid", "", "2.4.3"),
    ("/verb/display", "answered", "type-wrong", "", "2.2"),
    ("/verb/display", {"en_US": "a"}, "language-tag-invalid", "/verb/display/en_US", "5646"),
    ("/verb/display", {"en": 1}, "type-wrong", "/verb/display/en", "2.2"),
    ("/verb/display", {"en": None}, "property-null", "/verb/display/en", "b1.b1"),
    ("/verb/name", "x", "property-unknown", "", "2.4.3"),
    ("/verb/id", "http://adlnet.gov/expapi/verbs/voided", "voiding-target", "/object", "2.3.2"),
    ("/object/objectType", "activity", "value-not-allowed", "", "b6"),
    ("/object/objectType", None, "property-null", "", "b1.b1"),
    ("/object/objectType", 3, "type-wrong", "", "2.2"),
    ("/object/id", "q1", "iri-invalid", "", "2.4.4.1"),
    ("/object/id", GONE, "property-missing", "/object", "2.4.4.1"),
    ("/object", AGENT, "property-unknown", "/object/mbox", "2.4.4.1"),
    ("/object", {"objectType": "Agent"}, "identifier-missing", "/object", "2.4.2.1"),
    ("/object/definition/name", {"": "x"}, "language-tag-invalid", "/object/definition/name/", "5646"),
    ("/object/definition/type", "quiz", "iri-invalid", "", "type"),
    ("/object/definition/moreInfo", "info", "iri-invalid", "", "moreInfo"),
    ("/object/definition/interactionType", "Choice", "value-not-allowed", "", "s13"),
    ("/object/definition/interactionType", GONE, "property-missing", "/object/definition", "s13"),
    ("/object/definition/correctResponsesPattern", "a", "type-wrong", "", "2.2"),
    ("/object/definition/correctResponsesPattern/0", 1, "type-wrong", "", "2.2"),
    ("/object/definition/choices/1/id", "a", "value-repeated", "", "s16"),
    ("/object/definition/choices/1/id", GONE, "property-missing", "/object/definition/choices/1", "s15"),
    ("/object/definition/choices/0/label", "x", "property-unknown", "", "s15"),
    ("/object/definition/extensions", [], "type-wrong", "", "2.2"),
    (
        "/object/definition/extensions",
        {"sessionId": 1},
        "iri-invalid",
        "/object/definition/extensions/sessionId",
        "4.1.s3.b1",
    ),
    ("/object/definition/colour", "red", "property-unknown", "", "2.4.4.1.s2"),
    ("/object", {"objectType": "StatementRef", "id": "x"}, "uuid-invalid", "/object/id", "4.4"),
    ("/object", {"objectType": "StatementRef"}, "property-missing", "/object", "2.4.4.3"),
    ("/result", [], "type-wrong", "", "2.2"),
    ("/result/score/scaled", 1.5, "score-out-of-range", "", "scaled"),
    ("/result/score/scaled", -1.01, "score-out-of-range", "", "scaled"),
    ("/result/score/scaled", "0.5", "type-wrong", "", "2.2"),
    ("/result/score/scaled", True, "type-wrong", "", "2.2"),
    ("/result/score/raw", 11, "score-out-of-range", "", "max"),
    ("/result/score/raw", -1, "score-out-of-range", "", "min"),
    ("/result/score/min", 10, "score-out-of-range", "", "less"),
    ("/result/score/raw", 10**400, "json-number-range", "", "b3"),
    ("/result/score/percent", 1, "property-unknown", "", "2.4.5.1"),
    ("/result/success", "true", "type-wrong", "", "2.2"),
    ("/result/completion", 1, "type-wrong", "", "2.2"),
    ("/result/response", 1, "type-wrong", "", "2.2"),
    ("/result/duration", "90s", "duration-invalid", "", "4.6"),
    ("/result/duration", 90, "type-wrong", "", "2.2"),
    ("/result/extensions/tries", 1, "iri-invalid", "", "4.1"),
    ("/result/extensions", None, "property-null", "", "b1.b1"),
    ("/context/registration", "r-1", "uuid-invalid", "", "4.4"),
    ("/context/instructor", {}, "identifier-missing", "", "2.4.2.1"),
    ("/context/team", AGENT, "property-missing", "", "2.4.2.2"),
    ("/context/team/objectType", "Agent", "value-not-allowed", "", "2.4.2.2"),
    ("/context/contextActivities/sibling", [], "property-unknown", "", "2.4.6.2"),
    ("/context/contextActivities/parent", "x", "type-wrong", "", "2.2"),
    ("/context/contextActivities/category/0", {"id": "x"}, "iri-invalid",
     "/context/contextActivities/category/0/id", "2.4.4.1"),
    ("/context/contextActivities/parent/objectType", "Agent", "value-not-allowed", "", "2.4.4.1"),
    ("/context/language", "english please", "language-tag-invalid", "", "5646"),
    ("/context/revision", 1, "type-wrong", "", "2.2"),
    ("/context/statement", {"id": UUID}, "property-missing", "", "2.4.4.3"),
    ("/context/statement/id", "x", "uuid-invalid", "", "4.4"),
    ("/context/extensions/room", 1, "iri-invalid", "", "4.1"),
    ("/context/contextAgents", [], "property-unknown", "", "2.4.6"),
    ("/timestamp", "2026-03-01T09:30:00-00:00", "timestamp-invalid", "", "4.5"),
    ("/timestamp", "yesterday", "timestamp-invalid", "", "4.5"),
    ("/timestamp", 1772357400, "type-wrong", "", "2.2"),
    ("/stored", "2026-03-01", "timestamp-invalid", "", "4.5"),
    ("/authority", {}, "identifier-missing", "", "2.4.2.1"),
    ("/authority", {"objectType": "Group", "member": [AGENT]}, "value-not-allowed", "", "2.4.9"),
    ("/version", "1.1.0", "version-unsupported", "", "2.4.10"),
    ("/version", "2.0.0", "version-unsupported", "", "2.4.10"),
    ("/version", "1", "version-unsupported", "", "2.4.10"),
    ("/attachments", {}, "type-wrong", "", "2.2"),
    ("/attachments/0/usageType", "cert", "iri-invalid", "", "2.4.11"),
    ("/attachments/0/display", GONE, "property-missing", "/attachments/0", "2.4.11"),
    ("/attachments/0/contentType", "pdf", "media-type-invalid", "", "2.4.11"),
    ("/attachments/0/length", "27", "type-wrong", "", "2.2"),
    ("/attachments/0/length", 1.5, "type-wrong", "", "2.4.11"),
    ("/attachments/0/length", -1, "type-wrong", "", "2.4.11"),
    ("/attachments/0/sha2", GONE, "property-missing", "/attachments/0", "2.4.11"),
    ("/attachments/0/fileUrl", "file", "iri-invalid", "", "2.4.11"),
    ("/attachments/0/fileUrl", GONE, "attachment-without-data", "/attachments/0", "1.5.2"),
    ("/object", {**SUB, "id": UUID}, "property-unknown", "/object/id", "s8.b3"),
    ("/object", {**SUB, "object": SUB}, "property-misplaced", "/object/object", "s8.b4"),
    ("/object", {**SUB, "verb": {"id": "x"}}, "iri-invalid", "/object/verb/id", "2.4.3"),
    ("/object", {**SUB, "context": {"registration": 1}}, "type-wrong", "/object/context/registration", "2.2"),
    ("/object", {**SUB, "timestamp": "x"}, "timestamp-invalid", "/object/timestamp", "4.5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "value", "code", "where", "rule"),
    CASES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)],
)
def test_what_breaks_a_rule_is_refused(pointer: str, value: Any, code: str, where: str, rule: str):
    statement = changed(pointer, value)
    if pointer == "/object" and isinstance(value, dict):
        del statement["context"]["revision"], statement["context"]["platform"]
    problem = refusal(statement)
    assert (problem.code, problem.where) == (
        code,
        (where or pointer).rstrip("/") if where != "/object/definition/name/" else where,
    )
    assert rule in problem.rule


def test_the_whole_model_is_admitted_in_both_versions():
    for version in ("1.0.0", "1.0.3", "2.0.0"):
        [admitted] = admit(json.dumps(FULL).encode(), Limits(), version)
        assert admitted.statement.context is not None
        assert admitted.statement.context.team is not None
        assert admitted.statement.context.team.member[0].openid == "https://id.example.org/a"
        assert [a.id for a in admitted.statement.context.context_activities.parent] == [
            "https://lms.example.org/quiz"
        ]
        assert admitted.statement.attachments[0].length == 27
        assert admitted.statement.result.score.raw == 5.0
        assert admitted.t_ms == 1772357400000


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/verb/display", {"english": "a"}),  # lengths are right, and only these are checked
        ("/verb/display", GONE),
        ("/object/objectType", GONE),
        ("/object/definition", {}),
        ("/object", {"objectType": "Agent", **AGENT}),
        ("/object", {"objectType": "Group", "member": [AGENT]}),
        ("/object", {"objectType": "StatementRef", "id": UUID.upper()}),
        ("/object", SUB),
        ("/actor", {"objectType": "Group", "mbox": "mailto:g@example.org"}),
        ("/actor", {"objectType": "Group", "member": [AGENT, {"openid": "https://x"}]}),
        ("/result/score", {}),
        ("/result/score", {"min": 1}),
        ("/result/score", {"scaled": 0.0, "raw": 100}),
        ("/result/duration", "P16559.14S"),
        ("/result/extensions", {"https://x": {"deep": {"null": None, "list": [None]}}}),
        ("/context/contextActivities", {"parent": []}),
        ("/timestamp", "2099-01-01T00:00:00+14:00"),
        ("/timestamp", GONE),
        ("/version", "1.0.9"),
        ("/id", GONE),
        ("/attachments/0/length", 27.0),
        ("/attachments", GONE),
        ("/authority", {"objectType": "Group", "member": [AGENT, {"openid": "https://x"}]}),
    ],
)
def test_what_the_specification_allows_is_admitted(pointer: str, value: Any):
    statement = changed(pointer, value)
    if pointer == "/object":
        del statement["context"]["revision"], statement["context"]["platform"]
    for text in (json.dumps(statement), json.dumps(statement, separators=(",", ":"))):
        assert len(admit(text.encode(), Limits(), "1.0.3")) == 1


@pytest.mark.parametrize("name", ["revision", "platform"])
def test_revision_and_platform_need_an_activity(name: str):
    statement = changed("/object", {"objectType": "Agent", **AGENT})
    for other in {"revision", "platform"} - {name}:
        del statement["context"][other]
    problem = refusal(statement)
    assert (problem.code, problem.where) == ("property-misplaced", f"/context/{name}")


def test_a_voiding_statement_names_its_target():
    statement = changed("/verb", {"id": "http://adlnet.gov/expapi/verbs/voided"})
    statement["object"] = {"objectType": "StatementRef", "id": UUID}
    del statement["context"]
    assert len(admit(json.dumps(statement).encode(), Limits(), "1.0.3")) == 1


CONTEXT_AGENT = {"objectType": "contextAgent", "agent": AGENT, "relevantTypes": ["https://example.org/coach"]}
CONTEXT_GROUP = {
    "objectType": "contextGroup",
    "group": {"objectType": "Group", "member": [AGENT]},
}


def test_context_agents_and_groups_are_of_2_0():
    statement = changed("/context/contextAgents", [CONTEXT_AGENT])
    statement["context"]["contextGroups"] = [CONTEXT_GROUP]
    [admitted] = admit(json.dumps(statement).encode(), Limits(), "2.0.0")
    assert admitted.statement.context is not None
    assert admitted.statement.context.context_agents[0].agent.mbox == "mailto:bo@example.org"
    assert admitted.statement.context.context_groups[0].group.member[0].mbox == "mailto:bo@example.org"
    assert refusal(statement).code == "property-unknown"


@pytest.mark.parametrize(
    ("value", "code", "where"),
    [
        ({**CONTEXT_AGENT, "objectType": "Agent"}, "value-not-allowed", "/0/objectType"),
        ({**CONTEXT_AGENT, "agent": {"key": 1}}, "property-unknown", "/0/agent/key"),
        (
            {**CONTEXT_AGENT, "agent": {"objectType": "Group", **AGENT}},
            "value-not-allowed",
            "/0/agent/objectType",
        ),
        ({**CONTEXT_AGENT, "relevantTypes": []}, "value-not-allowed", "/0/relevantTypes"),
        ({**CONTEXT_AGENT, "relevantTypes": ["abc"]}, "iri-invalid", "/0/relevantTypes/0"),
        ({"agent": AGENT}, "property-missing", "/0"),
    ],
)
def test_context_agents_keep_their_rules(value: Any, code: str, where: str):
    problem = refusal(changed("/context/contextAgents", [value]), "2.0.0")
    assert (problem.code, problem.where) == (code, f"/context/contextAgents{where}")


def test_2_0_wants_rfc_3339_and_takes_both_statement_versions():
    assert refusal(changed("/timestamp", "2026-03-01T09:30:00"), "2.0.0").code == "timestamp-invalid"
    for version in ("1.0.3", "2.0.0"):
        assert admit(json.dumps(changed("/version", version)).encode(), Limits(), "2.0.0")
    assert refusal(changed("/version", "3.0.0"), "2.0.0").code == "version-unsupported"


def test_a_wrong_case_is_recognised():
    problem = refusal(changed("/Timestamp", "2026-03-01T09:30:00Z"))
    assert "did you mean 'timestamp'" in problem.fix
