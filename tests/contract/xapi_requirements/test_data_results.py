"""Proves what the two versions demand of results, contexts and the headers of attachments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

requirement = pytest.mark.requirement
Holds = Callable[..., None]

UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
SCORE = "/result/score"
ANA = {"mbox": "mailto:ana@example.org"}
TEAM = {"objectType": "Group", "member": [ANA]}
ATTACHMENT = "/attachments/0"


@requirement("1.0.3", "Data 2.4.s1.table1.row5")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (result)")
def test_a_result_is_an_object(holds: Holds):
    for good in (..., {}):
        holds({"/result": good}, "accepted")
    for wrong in ("passed", 7, [], True):
        holds({"/result": wrong}, "type-wrong at /result")


@requirement("1.0.3", "Data 2.4.5.s2.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (score)")
def test_a_score_is_an_object(holds: Holds):
    holds({SCORE: {}}, "accepted")
    for wrong in (12345, "invalid", [1]):
        holds({SCORE: wrong}, f"type-wrong at {SCORE}")


@requirement("1.0.3", "Data 2.4.5.s2.table1.row2")
@requirement("1.0.3", "Data 2.4.5.s2.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (success, completion)")
def test_success_and_completion_are_booleans(holds: Holds):
    for name in ("success", "completion"):
        for good in (True, False, ...):
            holds({f"/result/{name}": good}, "accepted")
        for wrong in ("true", "false", 1, {}):
            holds({f"/result/{name}": wrong}, f"type-wrong at /result/{name}")


@requirement("1.0.3", "Data 2.4.5.s2.table1.row4")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (response)")
def test_a_response_is_a_text(holds: Holds):
    for good in ("", "a[,]b", "出席した"):
        holds({"/result/response": good}, "accepted")
    for wrong in (12345, {"key": "x"}, ["a"]):
        holds({"/result/response": wrong}, "type-wrong at /result/response")


@requirement("1.0.3", "Data 2.4.5.s2.table1.row5")
@requirement("1.0.3", "Data 4.6.s1.b1")
@requirement("2.0.0", "9274.1.1 4.2.7 (duration)")
def test_a_duration_is_one_of_iso_8601(holds: Holds):
    for good in ("PT1H0M0.1S", "PT4H35M59.14S", "PT16559.14S", "P16559.14S", "P3Y1M29DT4H35M59.14S", "P3Y", "P4W",
                 "PT0S", "P1D", "PT1,5H"):  # fmt: skip
        holds({"/result/duration": good}, "accepted")
    for bad in ("should fail", "PA1H0M0S", "P4W1D", "", "P", "PT", "1H", "P1H", "P0003-06-04T12:30:05", "-PT1S",
                "P1.5Y1D"):  # fmt: skip
        holds({"/result/duration": bad}, "duration-invalid at /result/duration")
    for wrong in (12345, {"key": "x"}):
        holds({"/result/duration": wrong}, "type-wrong at /result/duration")


@requirement("1.0.3", "Data 4.6.s1.b4")
@requirement("2.0.0", "9274.1.1 4.2.7 (duration: precision)")
def test_a_finer_duration_is_taken(holds: Holds):
    for good in ("PT0.001S", "PT1M30.123456789S"):
        holds({"/result/duration": good}, "accepted")


@requirement("1.0.3", "Data 2.4.5.s2.table1.row6")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (extensions)")
def test_extensions_of_a_result_are_a_map(holds: Holds):
    for wrong in ("x", 7, []):
        holds({"/result/extensions": wrong}, "type-wrong at /result/extensions")


@requirement("1.0.3", "Data 2.4.5.1.s2.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (scaled)")
def test_scaled_is_from_minus_one_to_one(holds: Holds):
    for good in (0.6767676, 1.0, -1.0, 0, 1, -1, 1e-9):
        holds({f"{SCORE}/scaled": good}, "accepted")
    for bad in (1.01, -1.00001, 87, 1.0000001):
        holds({f"{SCORE}/scaled": bad}, f"score-out-of-range at {SCORE}/scaled")


@requirement("1.0.3", "Data 2.4.5.1.s2.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (raw)")
def test_raw_is_from_min_to_max(holds: Holds):
    for good in (
        {"raw": 0.6767676},
        {"raw": -5, "max": 0},
        {"raw": 5, "min": 5},
        {"raw": 5, "min": 0, "max": 5},
    ):
        holds({SCORE: good}, "accepted")
    for bad in ({"raw": 0.6767676, "max": 0.6567676}, {"raw": 0.6767676, "min": 1.4067676},
                {"raw": 11, "min": 0, "max": 10}):  # fmt: skip
        holds({SCORE: bad}, f"score-out-of-range at {SCORE}/raw")


@requirement("1.0.3", "Data 2.4.5.1.s2.table1.row3")
@requirement("1.0.3", "Data 2.4.5.1.s2.table1.row4")
@requirement("2.0.0", "9274.1.1 4.2.2.4 (min, max)")
def test_min_is_less_than_max(holds: Holds):
    for good in ({"min": 0.6767676}, {"max": 100.6767676}, {"min": -1, "max": 0}):
        holds({SCORE: good}, "accepted")
    for bad in (
        {"min": 1, "max": 1},
        {"min": 0.6767676, "max": 0.6767355, "raw": 0.6767643},
        {"min": 10, "max": 1},
    ):
        holds({SCORE: bad}, f"score-out-of-range at {SCORE}/min")


@requirement("1.0.3", "Data 2.4.s1.table1.row6")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (context)")
def test_a_context_is_an_object(holds: Holds):
    for good in (..., {}):
        holds({"/context": good}, "accepted")
    for wrong in ("x", 7, []):
        holds({"/context": wrong}, "type-wrong at /context")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (registration)")
def test_a_registration_is_a_uuid(holds: Holds):
    for bad in ("should fail", UUID + "8", "M" + UUID[1:]):
        holds({"/context/registration": bad}, "uuid-invalid at /context/registration")
    for wrong in (12345, {"key": "x"}):
        holds({"/context/registration": wrong}, "type-wrong at /context/registration")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row4")
@requirement("1.0.3", "Data 2.4.6.2.s4.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (contextActivities: keys)")
def test_related_activities_are_of_four_kinds(holds: Holds):
    one = {"id": "http://example.org/course"}
    for name in ("parent", "grouping", "category", "other"):
        holds({"/context/contextActivities": {name: one}}, "accepted")
    holds({"/context/contextActivities": {}}, "accepted")
    for name in ("sibling", "Parent", "parents"):
        holds(
            {"/context/contextActivities": {name: one}},
            f"property-unknown at /context/contextActivities/{name}",
        )
    for wrong in ("should fail", 7, [one]):
        holds({"/context/contextActivities": wrong}, "type-wrong at /context/contextActivities")


@requirement("1.0.3", "Data 2.4.6.2.s4.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (contextActivities: values)")
def test_related_activities_are_an_activity_or_an_array(holds: Holds):
    one = {"objectType": "Activity", "id": "http://example.org/course"}
    where = "/context/contextActivities"
    for name in ("parent", "grouping", "category", "other"):
        for good in (one, [one], [one, one], []):
            holds({where: {name: good}}, "accepted")
        holds({where: {name: [one, {"key": "x"}]}}, f"property-unknown at {where}/{name}/1/key")
        holds({where: {name: {"objectType": "Agent", **ANA}}}, f"property-unknown at {where}/{name}/mbox")
        for wrong in ("http://example.org/course", 7):
            holds({where: {name: wrong}}, f"type-wrong at {where}/{name}")
            holds({where: {name: [wrong]}}, f"type-wrong at {where}/{name}/0")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row5")
@requirement("1.0.3", "Data 2.4.6.s3.table1.row6")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (revision, platform)")
def test_revision_and_platform_are_texts(holds: Holds):
    for name in ("revision", "platform"):
        for wrong in (12345, {"key": "x"}):
            holds({f"/context/{name}": wrong}, f"type-wrong at /context/{name}")


@requirement("1.0.3", "Data 2.4.6.s4.b1")
@requirement("1.0.3", "Data 2.4.6.s4.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (revision, platform: of activities)")
def test_revision_and_platform_go_with_an_activity(holds: Holds):
    sub = {
        "objectType": "SubStatement", "actor": ANA, "verb": {"id": "http://x/y"}, "object": {"id": "http://x/z"},
    }  # fmt: skip
    for name in ("revision", "platform"):
        for what in ({"objectType": "Agent", **ANA}, TEAM, {"objectType": "StatementRef", "id": UUID}):
            holds({"/object": what, "/context": {name: "x"}}, f"property-misplaced at /context/{name}")
        holds({"/object": sub, "/context": {name: "x"}}, f"property-misplaced at /context/{name}", sub=False)
        holds({"/object": {"id": "http://x/y"}, "/context": {name: "x"}}, "accepted")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row7")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (language)")
def test_a_language_is_a_tag(holds: Holds):
    for good in ("de", "tlh", "cmn", "en-GB"):
        holds({"/context/language": good}, "accepted")
    for bad in ("something", "en_GB", "english please", "a12345"):
        holds({"/context/language": bad}, "language-tag-invalid at /context/language")
    for wrong in (12345, {"en": "x"}):
        holds({"/context/language": wrong}, "type-wrong at /context/language")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row8")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (statement)")
def test_the_statement_of_a_context_is_a_reference(holds: Holds):
    where = "/context/statement"
    holds({f"{where}/objectType": "statementref"}, f"value-not-allowed at {where}/objectType")
    holds({f"{where}/id": "should fail"}, f"uuid-invalid at {where}/id")
    holds({where: UUID}, f"type-wrong at {where}")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row9")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (extensions)")
def test_extensions_of_a_context_are_a_map(holds: Holds):
    for wrong in ("x", 7, []):
        holds({"/context/extensions": wrong}, "type-wrong at /context/extensions")


@requirement("1.0.3", "Data 2.2.s4.b8")
def test_agents_and_groups_of_2_0_are_no_part_of_1_0(holds: Holds):
    holds({"/context/contextAgents": []}, "property-unknown at /context/contextAgents")
    holds({"/context/contextGroups": []}, "property-unknown at /context/contextGroups")


def related(kind: str, who: str, value: Any, **more: Any) -> dict[str, Any]:
    """Return a context agent or group."""
    return {"objectType": kind, who: value, **more}


@pytest.mark.parametrize(
    ("kind", "who", "value"), [("contextAgent", "agent", ANA), ("contextGroup", "group", TEAM)]
)
@requirement("2.0.0", "9274.1.1 4.2.2.5 (contextAgents, contextGroups)")
def test_context_agents_and_groups(holds: Holds, kind: str, who: str, value: dict[str, Any]):
    where = f"/context/{kind}s"
    types = ["https://example.org/roles/player", "https://example.org/roles/captain"]
    for good in ([], [related(kind, who, value)], [related(kind, who, value, relevantTypes=types)] * 2):
        holds({where: good}, "accepted")
    for wrong in (related(kind, who, value), "x", 7):
        holds({where: wrong}, f"type-wrong at {where}")
    holds({where: [7]}, f"type-wrong at {where}/0")
    holds({where: [related("Should fail", who, value)]}, f"value-not-allowed at {where}/0/objectType")
    holds({where: [{who: value}]}, f"property-missing at {where}/0")
    holds({where: [{"objectType": kind}]}, f"property-missing at {where}/0")
    holds({where: [related(kind, who, value, member=[ANA])]}, f"property-unknown at {where}/0/member")


@requirement("2.0.0", "9274.1.1 4.2.2.5 (contextAgents: agent)")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (contextGroups: group)")
def test_who_is_related_is_an_agent_or_a_group(holds: Holds):
    agents, groups = "/context/contextAgents", "/context/contextGroups"
    holds({agents: [related("contextAgent", "agent", {})]}, f"identifier-missing at {agents}/0/agent")
    holds(
        {agents: [related("contextAgent", "agent", {"key": "x"})]},
        f"property-unknown at {agents}/0/agent/key",
    )
    typed = related("contextAgent", "agent", TEAM)
    holds({agents: [typed]}, f"property-unknown at {agents}/0/agent/member")
    holds(
        {groups: [related("contextGroup", "group", {"key": "x"})]},
        f"property-unknown at {groups}/0/group/key",
    )
    holds({groups: [related("contextGroup", "group", ANA)]}, f"property-missing at {groups}/0/group")
    holds(
        {groups: [related("contextGroup", "group", {"objectType": "Group"})]},
        f"group-empty at {groups}/0/group",
    )


@requirement("2.0.0", "9274.1.1 4.2.2.5 (relevantTypes)")
def test_relevant_types_are_some_iris(holds: Holds):
    for kind, who, value in (("contextAgent", "agent", ANA), ("contextGroup", "group", TEAM)):
        where = f"/context/{kind}s"
        empty = related(kind, who, value, relevantTypes=[])
        holds({where: [empty]}, f"value-not-allowed at {where}/0/relevantTypes")
        for types in (["abc"], ["https://example.org/a", "abc"]):
            bad = related(kind, who, value, relevantTypes=types)
            holds({where: [bad]}, f"iri-invalid at {where}/0/relevantTypes/{len(types) - 1}")
        text = related(kind, who, value, relevantTypes="https://example.org/a")
        holds({where: [text]}, f"type-wrong at {where}/0/relevantTypes")


@requirement("1.0.3", "Data 2.4.s1.table1.row11")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachments)")
def test_attachments_are_an_array_of_objects(holds: Holds):
    for good in ([], ...):
        holds({"/attachments": good}, "accepted")
    for wrong in ({}, "should fail", 7):
        holds({"/attachments": wrong}, "type-wrong at /attachments")
    for item in (12345, "should fail", []):
        holds({"/attachments": [item]}, "type-wrong at /attachments/0")


@requirement("1.0.3", "Data 2.4.11.s2.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: usageType)")
def test_an_attachment_says_its_use(holds: Holds):
    holds({f"{ATTACHMENT}/usageType": ...}, f"property-missing at {ATTACHMENT}")
    holds({f"{ATTACHMENT}/usageType": "should fail"}, f"iri-invalid at {ATTACHMENT}/usageType")


@requirement("1.0.3", "Data 2.4.11.s2.table1.row2")
@requirement("1.0.3", "Data 2.4.11.s2.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: display, description)")
def test_an_attachment_is_named_in_language_maps(holds: Holds):
    holds({f"{ATTACHMENT}/display": ...}, f"property-missing at {ATTACHMENT}")
    holds({f"{ATTACHMENT}/description": ...}, "accepted")
    for name in ("display", "description"):
        for wrong in (12345, "should fail"):
            holds({f"{ATTACHMENT}/{name}": wrong}, f"type-wrong at {ATTACHMENT}/{name}")
        holds(
            {f"{ATTACHMENT}/{name}": {"something": "x"}},
            f"language-tag-invalid at {ATTACHMENT}/{name}/something",
        )


@requirement("1.0.3", "Data 2.4.11.s2.table1.row4")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: contentType)")
def test_an_attachment_says_its_media_type(holds: Holds):
    for good in ("text/plain; charset=ascii", "application/vnd.x+json", "image/png"):
        holds({f"{ATTACHMENT}/contentType": good}, "accepted")
    holds({f"{ATTACHMENT}/contentType": ...}, f"property-missing at {ATTACHMENT}")
    holds({f"{ATTACHMENT}/contentType": "pdf"}, f"media-type-invalid at {ATTACHMENT}/contentType")
    holds({f"{ATTACHMENT}/contentType": 999}, f"type-wrong at {ATTACHMENT}/contentType")


@requirement("1.0.3", "Data 2.4.11.s2.table1.row5")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: length)")
def test_an_attachment_says_its_length(holds: Holds):
    for good in (0, 27, 27.0, 10**12):
        holds({f"{ATTACHMENT}/length": good}, "accepted")
    holds({f"{ATTACHMENT}/length": ...}, f"property-missing at {ATTACHMENT}")
    for wrong in ("27", 1.5, -1, True):
        holds({f"{ATTACHMENT}/length": wrong}, f"type-wrong at {ATTACHMENT}/length")


@requirement("1.0.3", "Data 2.4.11.s2.table1.row6")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: sha2)")
def test_an_attachment_says_its_hash(holds: Holds):
    for good in ("a" * 56, "0123456789abcdefABCDEF" + "0" * 42, "f" * 96, "0" * 128):
        holds({f"{ATTACHMENT}/sha2": good}, "accepted")
    holds({f"{ATTACHMENT}/sha2": ...}, f"property-missing at {ATTACHMENT}")
    for bad in ("should fail", "a" * 63, "g" * 64, "a" * 40):
        holds({f"{ATTACHMENT}/sha2": bad}, f"sha2-invalid at {ATTACHMENT}/sha2")
    holds({f"{ATTACHMENT}/sha2": 12345}, f"type-wrong at {ATTACHMENT}/sha2")


@requirement("1.0.3", "Data 2.4.11.s2.table1.row7")
@requirement("2.0.0", "9274.1.1 4.2.2 (attachment: fileUrl)")
def test_the_file_url_of_an_attachment_is_an_irl(holds: Holds):
    for bad in ("should fail", "file.pdf", ""):
        holds({f"{ATTACHMENT}/fileUrl": bad}, f"iri-invalid at {ATTACHMENT}/fileUrl")
    holds({f"{ATTACHMENT}/fileUrl": 7}, f"type-wrong at {ATTACHMENT}/fileUrl")
