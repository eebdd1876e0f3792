"""Proves what the two versions demand of a statement as a whole: its properties, ids, versions and voiding."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.errors import PermanentError
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.comparison import same_statement

requirement = pytest.mark.requirement
Holds = Callable[..., None]

UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
PLAIN: dict[str, Any] = {
    "actor": {"mbox": "mailto:ana@example.org"},
    "verb": {"id": "http://example.org/did"},
    "object": {"id": "http://example.org/it"},
    "timestamp": "2026-03-01T09:30:00.000Z",
}
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


@requirement("1.0.3", "Data 2.2.s2.b2")
@requirement("2.0.0", "9274.1.1 4.2.1 (once)")
def test_a_property_stands_once(versions: tuple[str, ...]):
    text = json.dumps(PLAIN)
    for twice in (
        text.replace('"verb"', '"actor": {}, "verb"'),
        text.replace('{"id"', '{"id": "http://x/y", "id"', 1),
    ):
        for version in versions:
            with pytest.raises(PermanentError) as refused:
                admit(twice.encode(), Limits(), version)
            assert refused.value.problem.code == "json-duplicate-key"


@requirement("1.0.3", "Data 2.2.s2.b3")
@requirement("2.0.0", "9274.1.1 4.2.1 (required)")
def test_actor_verb_and_object_are_required(holds: Holds):
    for name in ("actor", "verb", "object"):
        holds({f"/{name}": ...}, "property-missing at /")


@requirement("1.0.3", "Data 2.2.s4.b1.b1")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (null)")
def test_null_is_refused_outside_extensions(holds: Holds):
    for place in (
        "/actor", "/actor/name", "/actor/account", "/actor/account/name", "/verb/id", "/verb/display",
        "/verb/display/en-US", "/object", "/object/definition", "/object/definition/moreInfo",
        "/object/definition/extensions", "/object/definition/source/0/id", "/object/definition/source/0",
        "/object/definition/correctResponsesPattern/0", "/result", "/result/score", "/result/score/raw",
        "/result/success", "/result/extensions", "/context", "/context/registration", "/context/instructor",
        "/context/team/member", "/context/contextActivities/parent", "/context/contextActivities/other/0",
        "/context/statement/id", "/timestamp", "/attachments", "/attachments/0", "/attachments/0/display",
    ):  # fmt: skip
        holds({place: None}, f"property-null at {place}")
    for place in ("/id", "/stored", "/authority", "/version"):
        holds({place: None}, f"property-null at {place}")


@requirement("1.0.3", "Data 2.2.s4.b1.b2")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (number)")
def test_a_text_is_no_number(holds: Holds):
    for place in (
        *(f"/result/score/{name}" for name in ("scaled", "raw", "min", "max")),
        "/attachments/0/length",
    ):
        for value in ("1", "one"):
            holds({place: value}, f"type-wrong at {place}")


@requirement("1.0.3", "Data 2.2.s4.b1.b3")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (boolean)")
def test_a_text_is_no_boolean(holds: Holds):
    for place in ("/result/success", "/result/completion"):
        for value in ("true", "false", "yes", 1, 0):
            holds({place: value}, f"type-wrong at {place}")


@requirement("1.0.3", "Data 2.2.s4.b1.b4")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (format)")
def test_a_text_with_a_format_follows_it(holds: Holds):
    for place, code in (
        ("/verb/id", "iri-invalid"),
        ("/object/id", "iri-invalid"),
        ("/object/definition/type", "iri-invalid"),
        ("/actor/account/homePage", "iri-invalid"),
        ("/context/registration", "uuid-invalid"),
        ("/context/language", "language-tag-invalid"),
        ("/result/duration", "duration-invalid"),
        ("/timestamp", "timestamp-invalid"),
        ("/attachments/0/contentType", "media-type-invalid"),
        ("/attachments/0/sha2", "sha2-invalid"),
    ):
        for value in ("", "should fail"):
            holds({place: value}, f"{code} at {place}")
    holds({"/actor": {"mbox": ""}}, "mailbox-invalid at /actor/mbox")


@requirement("1.0.3", "Data 2.2.s4.b1.b5")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (case of keys)")
def test_the_case_of_a_key_counts(holds: Holds):
    for place in (
        "/actor/Name", "/actor/account/homepage", "/verb/ID", "/object/Definition", "/object/definition/moreinfo",
        "/result/Success", "/result/score/Raw", "/context/Registration", "/context/contextActivities/Parent",
        "/attachments/0/fileURL",
    ):  # fmt: skip
        holds({place: "x"}, f"property-unknown at {place}")
    for place in (
        "/iD",
        "/Actor",
        "/veRb",
        "/oBject",
        "/RESULT",
        "/conText",
        "/timeStamp",
        "/STOred",
        "/Version",
    ):
        holds({place: "x"}, f"property-unknown at {place}")


@requirement("1.0.3", "Data 2.2.s4.b1.b6")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (case of values)")
def test_the_case_of_a_word_from_a_list_counts(holds: Holds):
    for place, value in (
        ("/object/objectType", "activity"),
        ("/actor/objectType", "agent"),
        ("/context/team/objectType", "group"),
        ("/context/statement/objectType", "statementref"),
        ("/object/definition/interactionType", "Matching"),
        ("/object/definition/interactionType", "true-faLse"),
    ):
        holds({place: value}, f"value-not-allowed at {place}")


@requirement("1.0.3", "Data 2.2.s4.b1.b7")
@requirement("2.0.0", "9274.1.1 4.2.1 (additional properties)")
def test_a_property_of_no_specification_is_refused(holds: Holds):
    for place in (
        "/actor/email", "/actor/account/id", "/verb/name", "/object/name", "/object/definition/colour",
        "/object/definition/source/0/label", "/result/grade", "/result/score/percent", "/context/course",
        "/context/contextActivities/sibling", "/context/statement/url", "/attachments/0/name",
    ):  # fmt: skip
        holds({place: "x"}, f"property-unknown at {place}")
    holds({"/extra": 1}, "property-unknown at /extra")


@requirement("1.0.3", "Data 2.2.s4.b1.b8")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (scheme)")
def test_an_iri_without_a_scheme_is_refused(holds: Holds):
    for place in (
        "/verb/id", "/object/id", "/object/definition/type", "/object/definition/moreInfo",
        "/actor/account/homePage", "/attachments/0/usageType", "/attachments/0/fileUrl",
        "/context/contextActivities/parent/id",
    ):  # fmt: skip
        for value in ("www.example.org/a", "/a", "a", "ab=c://example.org"):
            holds({place: value}, f"iri-invalid at {place}")


@requirement("1.0.3", "Data 2.2.s4.b3")
@requirement("2.0.0", "9274.1.1 4.2.7 (numbers)")
def test_numbers_keep_their_digits(versions: tuple[str, ...]):
    score = b'{"min":0.12123434,"raw":12.125,"max":45.45}'
    body = json.dumps({**PLAIN, "result": {"score": "#"}}).encode().replace(b'"#"', score)
    for version in versions:
        [admitted] = admit(body, Limits(), version)
        assert score in admitted.raw
        assert admitted.statement.result is not None
        assert admitted.statement.result.score is not None
        assert admitted.statement.result.score.min == 0.12123434


@requirement("1.0.3", "Data 2.3.1.s9.b1")
@requirement("2.0.0", "9274.1.1 4.2.3 (comparison)")
def test_what_a_store_may_change_makes_no_other_statement():
    whole = {**PLAIN, "id": UUID}
    for other in (
        {
            "id": UUID.upper(),
            "stored": "2026-03-01T09:30:00Z",
            "version": "1.0.0",
            "authority": PLAIN["actor"],
        },
        {"timestamp": "2026-03-01T10:30:00+01:00"},
        {"verb": {"id": "http://example.org/did", "display": {"en": "did"}}},
        {
            "object": {
                "id": "http://example.org/it",
                "definition": {"name": {"en": "It"}},
                "objectType": "Activity",
            }
        },
        {"actor": {"mbox": "mailto:ana@EXAMPLE.org"}},
    ):
        assert same_statement(json.dumps(whole).encode(), json.dumps({**whole, **other}).encode()) == ""


@requirement("1.0.3", "Data 2.3.1.s9.b2")
@requirement("2.0.0", "9274.1.1 4.2.3 (difference)")
def test_anything_else_makes_another_statement():
    for other in (
        {"actor": {"mbox": "mailto:Ana@example.org"}},
        {"timestamp": "2026-03-01T09:30:00.001Z"},
        {"result": {"duration": "PT60S"}},
        {"verb": {"id": "http://example.org/Did"}},
    ):
        before = {**PLAIN, "result": {"duration": "PT1M"}}
        assert same_statement(json.dumps(before).encode(), json.dumps({**before, **other}).encode())


@requirement("1.0.3", "Data 2.3.2.s2.b1")
@requirement("1.0.3", "Data 2.3.2.s2.b2")
@requirement("2.0.0", "9274.1.1 4.2.3 (voiding)")
def test_what_voids_names_a_statement(holds: Holds):
    reference = {"objectType": "StatementRef", "id": UUID}
    holds({"/verb/id": VOIDED, "/object": reference}, "accepted", sub=False)
    holds({"/verb/id": VOIDED}, "voiding-target at /object", sub=False)
    holds({"/verb/id": VOIDED, "/object": {**reference, "id": "x"}}, "uuid-invalid at /object/id", sub=False)
    holds(
        {"/verb/id": VOIDED, "/object": {"objectType": "StatementRef"}},
        "property-missing at /object",
        sub=False,
    )


@requirement("1.0.3", "Data 2.3.2.s2.b5")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (voiding)")
def test_what_is_voided_need_not_be_here(holds: Holds):
    unknown = {"objectType": "StatementRef", "id": "00000000-0000-4000-8000-000000000001"}
    holds({"/verb/id": VOIDED, "/object": unknown}, "accepted", sub=False)


@requirement("1.0.3", "Data 2.4.s1.table1.row1")
@requirement("1.0.3", "Data 2.4.1.s1")
@requirement("1.0.3", "Data 4.4.s1")
@requirement("2.0.0", "9274.1.1 4.2.4.2 (id)")
@requirement("2.0.0", "9274.1.1 4.2.7 (UUID)")
def test_an_id_is_a_uuid_in_the_standard_form(holds: Holds):
    for good in (UUID, UUID.upper(), "00000000-0000-0000-0000-000000000000"):
        holds({"/id": good}, "accepted")
    for bad in (
        "AA97B177-9383-4934-8543-0F91A7A028368", "MA97B177-9383-4934-8543-0F91A7A02836", UUID.replace("-", ""),
        f"{{{UUID}}}", f"urn:uuid:{UUID}", "", f" {UUID}",
    ):  # fmt: skip
        holds({"/id": bad}, "uuid-invalid at /id")
    for wrong in (12345, {"key": "x"}, [UUID], True):
        holds({"/id": wrong}, "type-wrong at /id")


@requirement("1.0.3", "Data 2.4.10.s2.b1")
@requirement("1.0.3", "Data 2.4.10.s3.b1")
def test_versions_that_begin_with_1_0_are_taken(holds: Holds):
    for good in ("1.0", "1.0.0", "1.0.3", "1.0.9", "1.0.32"):
        holds({"/version": good}, "accepted")


@requirement("1.0.3", "Data 2.4.10.s3.b2")
def test_other_versions_are_refused(holds: Holds):
    for bad in ("0.9.9", "0.95", "1.1.0", "1", "10.0", "2.0.0", "should fail", ""):
        holds({"/version": bad}, "version-unsupported at /version")
    holds({"/version": 1.0}, "type-wrong at /version")


@requirement("2.0.0", "9274.1.1 4.2.4.3 (version)")
def test_a_request_in_2_0_takes_statements_of_both_versions(holds: Holds):
    for good in ("2.0.0", "2.0", "1.0.3", "1.0", "1.0.9"):
        holds({"/version": good}, "accepted")
    for bad in ("0.9.9", "1.1.0", "2.1.0", "3.0.0", "should fail"):
        holds({"/version": bad}, "version-unsupported at /version")


@requirement("1.0.3", "Data 2.4.8.s3.b2")
@requirement("2.0.0", "9274.1.1 4.2.4.2 (stored)")
def test_stored_is_checked(holds: Holds):
    holds({"/stored": "2011-07-15T00:00:00.000Z"}, "accepted")
    holds({"/stored": "should fail"}, "timestamp-invalid at /stored")


@requirement("1.0.3", "Data 2.4.s1.table1.row9")
@requirement("1.0.3", "Data 2.4.9.s3.b1")
@requirement("2.0.0", "9274.1.1 4.2.4.2 (authority)")
def test_an_authority_is_an_agent_or_a_group_of_two(holds: Holds):
    one, two = {"mbox": "mailto:a@example.org"}, {"account": {"homePage": "https://x.example", "name": "app"}}
    for good in (one, {"objectType": "Group", "member": [one, two]}):
        holds({"/authority": good}, "accepted")
    for members in ([one], [one, two, {"openid": "https://x.example"}]):
        holds({"/authority": {"objectType": "Group", "member": members}}, "value-not-allowed at /authority")
    for identified in (one, {"openid": "https://x.example"}, two):
        group = {"objectType": "Group", "member": [one, two], **identified}
        holds({"/authority": group}, "value-not-allowed at /authority")
    holds({"/authority": {"objectType": "Group", "member": []}}, "group-empty at /authority")
    holds({"/authority": {}}, "identifier-missing at /authority")
    holds({"/authority": "ana"}, "type-wrong at /authority")
