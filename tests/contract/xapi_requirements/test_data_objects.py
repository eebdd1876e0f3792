"""Proves what the two versions demand of verbs, activities and their definitions, references and SubStatements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

requirement = pytest.mark.requirement
Holds = Callable[..., None]

UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
DEFINITION = "/object/definition"
LISTS = ("choices", "scale", "source", "target", "steps")
TYPES = ("true-false", "choice", "fill-in", "long-fill-in", "matching", "performance", "sequencing", "likert",
         "numeric", "other")  # fmt: skip
SUB: dict[str, Any] = {
    "objectType": "SubStatement",
    "actor": {"mbox": "mailto:ana@example.org"},
    "verb": {"id": "http://example.org/visited"},
    "object": {"id": "http://example.org/site"},
}


@requirement("1.0.3", "Data 2.4.s1.table1.row3")
@requirement("1.0.3", "Data 2.4.3.s3.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.2 (id)")
def test_a_verb_has_an_iri(holds: Holds):
    for good in (
        "http://example.org/did",
        "https://example.org/فعل/خواندن",
        "urn:x:did",
        "tag:a@example.org,2026:did",
    ):
        holds({"/verb/id": good}, "accepted")
    holds({"/verb/id": ...}, "property-missing at /verb")
    for bad in ("did", "", "ab=c://should.fail.com", "http://", "http://a b"):
        holds({"/verb/id": bad}, "iri-invalid at /verb/id")
    for wrong in ("http://example.org/did", 7, []):
        holds({"/verb": wrong}, "type-wrong at /verb")


@requirement("1.0.3", "Data 2.4.3.s3.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.2 (display)")
def test_the_display_of_a_verb_is_a_language_map(holds: Holds):
    holds({"/verb/display": ...}, "accepted")
    for wrong in ("answered", 12345, ["answered"]):
        holds({"/verb/display": wrong}, "type-wrong at /verb/display")


@requirement("1.0.3", "Data 2.4.s1.table1.row4")
@requirement("1.0.3", "Data 2.4.4.s2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (objectType)")
def test_an_object_is_one_of_five_kinds(holds: Holds):
    agent = {"mbox": "mailto:bo@example.org"}
    for good in (
        {"id": "http://example.org/it"},
        {"objectType": "Activity", "id": "http://example.org/it"},
        {"objectType": "Agent", **agent},
        {"objectType": "Group", "member": [agent]},
        {"objectType": "StatementRef", "id": UUID},
    ):
        holds({"/object": good}, "accepted")
    holds({"/object": SUB}, "accepted", sub=False)
    for kind in (
        "activity",
        "agent",
        "group",
        "statementref",
        "substatement",
        "Statement",
        "GroupActivity",
        "",
    ):
        holds({"/object/objectType": kind}, "value-not-allowed at /object/objectType")
    for wrong in ("http://example.org/it", 7, []):
        holds({"/object": wrong}, "type-wrong at /object")


@requirement("1.0.3", "Data 2.4.4.1.s1.table1.row1")
@requirement("1.0.3", "Data 2.4.4.1.s1.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (activity: id)")
def test_an_activity_has_an_iri(holds: Holds):
    holds({"/object/objectType": ...}, "accepted")
    holds({"/object/id": ...}, "property-missing at /object")
    for bad in ("q1", "", "ab=c://should.fail.com"):
        holds({"/object/id": bad}, "iri-invalid at /object/id")
    holds({"/object/objectType": 7}, "type-wrong at /object/objectType")


@requirement("1.0.3", "Data 2.4.4.1.s1.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (activity: definition)")
def test_a_definition_is_an_object(holds: Holds):
    for good in (..., {}):
        holds({DEFINITION: good}, "accepted")
    for wrong in ("should error", 12345, [{}]):
        holds({DEFINITION: wrong}, f"type-wrong at {DEFINITION}")


@requirement("1.0.3", "Data 2.4.4.1.s2.table1.row1")
@requirement("1.0.3", "Data 2.4.4.1.s2.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (definition: name, description)")
def test_name_and_description_are_language_maps(holds: Holds):
    for name in ("name", "description"):
        for wrong in ("a text", 12345, ["a"]):
            holds({f"{DEFINITION}/{name}": wrong}, f"type-wrong at {DEFINITION}/{name}")
        holds({f"{DEFINITION}/{name}": {"en": 7}}, f"type-wrong at {DEFINITION}/{name}/en")


@requirement("1.0.3", "Data 2.4.4.1.s2.table1.row3")
@requirement("1.0.3", "Data 2.4.4.1.s2.table1.row4")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (definition: type, moreInfo)")
def test_type_and_more_info_are_iris(holds: Holds):
    for name in ("type", "moreInfo"):
        for bad in ("should error", "quiz", ""):
            holds({f"{DEFINITION}/{name}": bad}, f"iri-invalid at {DEFINITION}/{name}")
        holds({f"{DEFINITION}/{name}": 7}, f"type-wrong at {DEFINITION}/{name}")


@requirement("1.0.3", "Data 2.4.4.1.s2.table1.row5")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (definition: extensions)")
def test_extensions_of_a_definition_are_a_map_of_iris(holds: Holds):
    for wrong in ("should error", 7, []):
        holds({f"{DEFINITION}/extensions": wrong}, f"type-wrong at {DEFINITION}/extensions")
    component = {"id": "valid", "description": {"en-US": "valid"}}
    holds({f"{DEFINITION}/extensions": component}, f"iri-invalid at {DEFINITION}/extensions/id")


@requirement("1.0.3", "Data 2.4.4.1.s8.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (interactionType)")
def test_an_interaction_is_of_one_of_ten_types(holds: Holds):
    for good in TYPES:
        holds({f"{DEFINITION}/interactionType": good}, "accepted")
    for bad in ("should error", "ab=c://should.fail.com", *(name.upper() for name in TYPES)):
        holds({f"{DEFINITION}/interactionType": bad}, f"value-not-allowed at {DEFINITION}/interactionType")
    for wrong in (12345, {"key": "x"}, ["choice"]):
        holds({f"{DEFINITION}/interactionType": wrong}, f"type-wrong at {DEFINITION}/interactionType")


@requirement("1.0.3", "Data 2.4.4.1.s8.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (correctResponsesPattern)")
def test_correct_responses_are_an_array_of_texts(holds: Holds):
    where = f"{DEFINITION}/correctResponsesPattern"
    for good in ([], ["a"], ["a[,]b", "{case_matters=false}{lang=en}long", "1[:]4"]):
        holds({where: good}, "accepted")
    for wrong in ("a", 7, {"0": "a"}):
        holds({where: wrong}, f"type-wrong at {where}")
    for item in (7, {"id": "a"}, ["a"]):
        holds({where: ["a", item]}, f"type-wrong at {where}/1")


@requirement("1.0.3", "Data 2.4.4.1.s8.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (component lists)")
def test_component_lists_are_arrays_of_components(holds: Holds):
    for name in LISTS:
        where = f"{DEFINITION}/{name}"
        for good in ([], [{"id": "a"}], [{"id": "a", "description": {"en": "A"}}, {"id": "b"}]):
            holds({where: good}, "accepted")
        for wrong in ("a", 7, {"id": "a"}):
            holds({where: wrong}, f"type-wrong at {where}")
        for item in ("a", 7, ["a"]):
            holds({where: [item]}, f"type-wrong at {where}/0")


@requirement("1.0.3", "Data 2.4.4.1.s13.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (interaction without type)")
def test_an_interaction_says_its_type(holds: Holds):
    for name in ("correctResponsesPattern", *LISTS):
        holds({DEFINITION: {name: []}}, f"property-missing at {DEFINITION}")
    holds({DEFINITION: {"interactionType": "numeric"}}, "accepted")


@requirement("1.0.3", "Data 2.4.4.1.s15.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (component: id, description)")
def test_a_component_has_an_id_and_perhaps_a_description(holds: Holds):
    for name in LISTS:
        where = f"{DEFINITION}/{name}"
        holds({where: [{"description": {"en": "A"}}]}, f"property-missing at {where}/0")
        holds({where: [{"id": 7}]}, f"type-wrong at {where}/0/id")
        holds({where: [{"id": "a", "description": "A"}]}, f"type-wrong at {where}/0/description")
        holds(
            {where: [{"id": "a", "description": {"j-JP": "A"}}]},
            f"language-tag-invalid at {where}/0/description/j-JP",
        )
        holds({where: [{"id": "a", "label": "A"}]}, f"property-unknown at {where}/0/label")


@requirement("1.0.3", "Data 2.4.4.1.s16.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (component: distinct ids)")
def test_the_ids_of_components_are_distinct(holds: Holds):
    for name in LISTS:
        where = f"{DEFINITION}/{name}"
        holds({where: [{"id": "a"}, {"id": "A"}]}, "accepted")
        holds({where: [{"id": "a"}, {"id": "b"}, {"id": "a"}]}, f"value-repeated at {where}/2/id")


@requirement("1.0.3", "Data 2.4.4.3.s4.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (StatementRef: objectType)")
def test_a_reference_says_that_it_is_one(holds: Holds):
    holds({"/object": {"objectType": "statementref", "id": UUID}}, "value-not-allowed at /object/objectType")
    holds({"/object": {"id": UUID}}, "iri-invalid at /object/id")
    holds({"/context/statement": {"id": UUID}}, "property-missing at /context/statement")


@requirement("1.0.3", "Data 2.4.4.3.s4.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (StatementRef: id)")
def test_a_reference_has_the_uuid_of_a_statement(holds: Holds):
    for good in (UUID, UUID.upper()):
        holds({"/object": {"objectType": "StatementRef", "id": good}}, "accepted")
    holds({"/object": {"objectType": "StatementRef"}}, "property-missing at /object")
    for bad in ("should fail", "", UUID + "0"):
        holds({"/object": {"objectType": "StatementRef", "id": bad}}, "uuid-invalid at /object/id")
    holds({"/object": {"objectType": "StatementRef", "id": 7}}, "type-wrong at /object/id")
    holds({"/object": {"objectType": "StatementRef", "id": UUID, "x": 1}}, "property-unknown at /object/x")


@requirement("1.0.3", "Data 2.4.4.3.s8.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (SubStatement: objectType)")
def test_a_substatement_says_that_it_is_one(holds: Holds):
    holds({"/object": {**SUB, "objectType": "substatement"}}, "value-not-allowed at /object/objectType")
    untyped = {name: value for name, value in SUB.items() if name != "objectType"}
    holds({"/object": untyped}, "property-unknown at /object/actor")


@requirement("1.0.3", "Data 2.4.4.3.s8.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (SubStatement: rules of statements)")
def test_a_substatement_keeps_the_rules_of_statements(holds: Holds):
    # Every other test here tries its rule inside a SubStatement as well; what is left is its frame.
    for name in ("actor", "verb", "object"):
        without = {key: value for key, value in SUB.items() if key != name}
        holds({"/object": without}, "property-missing at /object", sub=False)
    holds({"/object": {**SUB, "timestamp": "2099-01-01T00:00:00Z"}}, "accepted", sub=False)
    holds({"/object": {**SUB, "extra": 1}}, "property-unknown at /object/extra", sub=False)


@requirement("1.0.3", "Data 2.4.4.3.s8.b3")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (SubStatement: no id, stored, version, authority)")
def test_a_substatement_has_nothing_that_a_store_gives(holds: Holds):
    for name, value in (
        ("id", UUID),
        ("stored", "2013-05-18T05:32:34.804Z"),
        ("version", "1.0.0"),
        ("authority", {"mbox": "mailto:bo@example.org"}),
    ):
        holds({"/object": {**SUB, name: value}}, f"property-unknown at /object/{name}", sub=False)


@requirement("1.0.3", "Data 2.4.4.3.s8.b4")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (SubStatement: not nested)")
def test_a_substatement_holds_no_other(holds: Holds):
    holds({"/object": {**SUB, "object": SUB}}, "property-misplaced at /object/object", sub=False)
