"""Proves that our xAPI profile is one, and that every statement which we write keeps it and passes our own admission.

The structure is that of the xAPI Profiles specification 1.0, Part 2 ("Structure of Profiles"). The rules of
a template are evaluated by a small JSONPath of this test's own, which knows what our templates use.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from carrythrough.forward import own, profile
from carrythrough.forward.milestones import Milestone, SkillFacts, of_action, of_answer, of_score, of_stage
from carrythrough.pipeline.effects import (
    ActionAnswered,
    ActionRequested,
    ScoreChanged,
    StageChanged,
    effect_id,
)
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Limits

HOME = "https://scores.example"
CONCEPTS = {
    "Verb": {"broadMatch", "relatedMatch", "exactMatch", "narrowMatch", "broader", "narrower"},
    "ActivityType": {"broadMatch", "relatedMatch", "exactMatch", "narrowMatch", "broader", "narrower"},
    "ResultExtension": {"recommendedVerbs", "inlineSchema", "schema", "context"},
    "ContextExtension": {"recommendedVerbs", "inlineSchema", "schema", "context"},
}
TEMPLATE = {
    "verb", "objectActivityType", "contextGroupingActivityType", "contextParentActivityType",
    "contextOtherActivityType", "contextCategoryActivityType", "attachmentUsageType", "rules", "allowedSolo",
}  # fmt: skip
EACH = {"id", "type", "inScheme", "prefLabel", "definition", "deprecated"}
IRI = re.compile(r"(https?://|urn:[a-z0-9-]+:)[^\s]+")


@pytest.fixture(scope="module")
def document(repository: Path) -> dict[str, Any]:
    found = json.loads((repository / "schemas" / "xapi-profile.jsonld").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def values(node: Any) -> list[Any]:
    """Return every value in a document, at any depth."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [node, *(value for one in inside for value in values(one))]


def test_its_head_is_that_of_a_profile(document: dict[str, Any]):
    assert document["@context"] == "https://w3id.org/xapi/profiles/context"
    assert document["type"] == "Profile"
    assert document["conformsTo"] == "https://w3id.org/xapi/profiles#1.0"
    assert document["id"] == profile.PROFILE
    assert document["author"]["type"] in {"Organization", "Person"}
    assert document["author"]["name"]
    known = {
        "@context", "id", "type", "conformsTo", "prefLabel", "definition", "seeAlso", "versions", "author", "concepts",
        "templates", "patterns",
    }  # fmt: skip
    assert set(document) <= known
    newest, *older = document["versions"]
    assert newest["id"] == profile.PROFILE_VERSION != document["id"]
    for place, version in enumerate(document["versions"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", version["generatedAtTime"])
        assert bool(version.get("wasRevisionOf")) == (place < len(older)), "all but the first revise another"


def test_no_value_is_empty(document: dict[str, Any]):
    assert not [value for value in values(document) if value in ({}, [], "", None)]


def test_concepts_and_templates_have_the_members_of_their_kind(document: dict[str, Any]):
    ids = [one["id"] for one in [*document["concepts"], *document["templates"]]]
    assert len(ids) == len(set(ids))
    for one in [*document["concepts"], *document["templates"]]:
        allowed = EACH | (TEMPLATE if one["type"] == "StatementTemplate" else CONCEPTS[one["type"]])
        assert set(one) <= allowed, one["id"]
        assert IRI.fullmatch(one["id"])
        assert one["id"].startswith(profile.PROFILE + ":")
        assert one["inScheme"] == profile.PROFILE_VERSION
        assert one["prefLabel"]["en"]
        assert len(one["definition"]["en"]) > 20, "a definition says how to use the thing"
        assert not ("schema" in one and "inlineSchema" in one)
        if "inlineSchema" in one:
            Draft202012Validator(json.loads(one["inlineSchema"]))


def test_templates_speak_of_concepts_that_there_are(document: dict[str, Any]):
    kinds = {one["id"]: one["type"] for one in document["concepts"]}
    seen = set()
    for template in document["templates"]:
        assert kinds[template["verb"]] == "Verb"
        assert kinds[template["objectActivityType"]] == "ActivityType"
        assert template["allowedSolo"] is True, "there are no patterns, so each is sent alone"
        seen.add((template["verb"], template["objectActivityType"]))
        for rule in template["rules"]:
            assert set(rule) & {"presence", "any", "all", "none"}
            assert rule.get("presence", "included") in {"included", "excluded", "recommended"}
            for name in re.findall(r"\['([^']+)'\]", rule["location"]):
                assert kinds[name].endswith("Extension")
    assert len(seen) == len(document["templates"]), "a statement matches one template at most"
    for concept in document["concepts"]:
        assert all(kinds[verb] == "Verb" for verb in concept.get("recommendedVerbs", ()))


def test_the_code_and_the_profile_know_the_same_names(document: dict[str, Any]):
    in_code = {
        value
        for name, value in vars(profile).items()
        if name.isupper() and isinstance(value, str) and value.startswith(profile.PROFILE + ":")
    }
    published = {one["id"] for one in document["concepts"]} | {profile.PROFILE_VERSION}
    assert in_code == published
    labels = {one["id"]: one["prefLabel"]["en"] for one in document["concepts"] if one["type"] == "Verb"}
    assert labels == profile.DISPLAY


def at(statement: dict[str, Any], location: str) -> list[Any]:
    """Return what a location finds: members by name, `['…']` for names with dots; [] when there is nothing."""
    found: Any = statement
    for name, quoted in re.findall(r"\.([A-Za-z]+)|\['([^']+)'\]", location):
        if not isinstance(found, dict) or (name or quoted) not in found:
            return []
        found = found[name or quoted]
    return [found]


def faults(statement: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Return where a statement breaks the template that its determining properties choose."""
    types = {
        place: [one.get("definition", {}).get("type") for one in given]
        for place, given in statement["context"]["contextActivities"].items()
    }
    kind = statement["object"]["definition"]["type"]
    chosen = [
        one
        for one in document["templates"]
        if one["verb"] == statement["verb"]["id"] and one["objectActivityType"] == kind
    ]
    if len(chosen) != 1:
        return [f"{len(chosen)} templates for {statement['verb']['id']} and {kind}"]
    (template,) = chosen
    found = [
        f"context {place}: {wanted} is missing"
        for place in ("category", "other", "parent", "grouping")
        for wanted in template.get(f"context{place.capitalize()}ActivityType", ())
        if wanted not in types.get(place, ())
    ]
    for rule in template["rules"]:
        got = at(statement, rule["location"])
        if rule.get("presence") == "included" and not got:
            found.append(f"{rule['location']} is missing")
        if rule.get("presence") == "excluded" and got:
            found.append(f"{rule['location']} is there")
        if "all" in rule and not all(value in rule["all"] for value in got):
            found.append(f"{rule['location']} is {got}")
    schemas = {one["id"]: one["inlineSchema"] for one in document["concepts"] if "inlineSchema" in one}
    for part in (statement.get("result", {}), statement["context"]):
        for name, value in part.get("extensions", {}).items():
            found += [
                f"{name}: {e.message}"
                for e in Draft202012Validator(json.loads(schemas[name])).iter_errors(value)
            ]
    return found


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
shares = st.floats(0, 1)
times = st.integers(0, 4_000_000_000_000)
facts = st.builds(SkillFacts, texts, shares)


@st.composite
def milestones(draw: st.DrawFn) -> Milestone | None:
    """Draw what the core may give out and return its milestone, if it is one."""
    subject, skill, id_ = draw(texts), draw(texts), effect_id(draw(st.integers()))
    common = {"id": id_, "subject": subject, "skill": skill, "as_of_ms": draw(times)}
    known = draw(st.none() | facts)
    kind = draw(st.sampled_from(["stage", "score", "action", "answer"]))
    if kind == "stage":
        after = draw(st.sampled_from(["carried-through", "fading", "underperforming"]))
        return of_stage(StageChanged(**common, sequence=1, before="x", after=after), lambda _: known)
    if kind == "score":
        effect = ScoreChanged(
            **common, sequence=1, valid_until_ms=0, score=draw(st.none() | shares), low=draw(st.none() | shares),
            high=draw(st.none() | shares), previous=draw(st.none() | shares), outcomes=draw(st.integers(0, 99)),
            exposures=0, effective=1.0, stage="fading", source="", reasons=(), model=draw(st.just("") | texts),
        )  # fmt: skip
        return of_score(effect, lambda _: known)
    action = draw(st.sampled_from(["spaced-review", "nudge", "fade-job-aid"]))
    sent = ActionRequested(
        **common,
        recipient=subject,
        to=draw(st.sampled_from(["employee", "manager"])),
        skill_name=draw(texts),
        action=action,
        rule=draw(texts),
        stage="fading",
        score=0.5,
        expires_ms=0,
        title=draw(texts),
        body=draw(texts),
        link="",
        why=draw(texts),
    )
    if kind == "action":
        return of_action(sent)
    answer = ActionAnswered(
        **common | {"id": effect_id(id_)}, sequence=2, action_ms=sent.as_of_ms, answered_ms=draw(times), pushes=1,
        source="",
    )  # fmt: skip
    return of_answer(answer, sent)


@given(milestone=milestones(), tenant=texts)
def test_every_statement_that_we_write_keeps_the_profile_and_our_own_rules(
    milestone: Milestone | None, tenant: str
):
    if milestone is None:
        return
    document = json.loads((Path(__file__).parents[2] / "schemas" / "xapi-profile.jsonld").read_text("utf-8"))
    text = own.statement(milestone, tenant, own.pseudonymous(HOME, "p" * 26))
    for version in ("1.0.3", "2.0.0"):
        (one,) = admit(text, Limits(), version)
        assert one.t_ms == milestone.at_ms
    statement = json.loads(text)
    assert faults(statement, document) == []
    category = [one["id"] for one in statement["context"]["contextActivities"]["category"]]
    assert category == [profile.PROFILE_VERSION], "a statement that follows a profile names its version"
    again = own.statement(milestone, tenant, own.pseudonymous(HOME, "p" * 26))
    assert again == text, "the same effect gives the same statement"


def test_an_answer_refers_to_the_statement_of_what_was_sent():
    common = {"subject": "s", "skill": "k", "action": "nudge", "rule": "r", "to": "employee"}
    sent = Milestone(what="was-sent", effect=effect_id(1), skill_name="K", at_ms=1, **common)
    answer = Milestone(
        what="answered", effect=effect_id(2), skill_name="K", at_ms=2, sent=effect_id(1), **common
    )
    actor = own.pseudonymous(HOME, "s")
    first, second = (json.loads(own.statement(one, "t", actor)) for one in (sent, answer))
    assert second["context"]["statement"] == {"objectType": "StatementRef", "id": first["id"]}
    assert second["context"]["extensions"] == first["context"]["extensions"]
    assert second["id"] != first["id"]


def test_a_statement_that_breaks_the_profile_is_found(document: dict[str, Any]):
    milestone = Milestone(
        what="reached-target", effect="e", subject="s", skill="k", skill_name="K", at_ms=1, score=0.8, outcomes=5,
        target=0.7,
    )  # fmt: skip
    good = json.loads(own.statement(milestone, "t", own.pseudonymous(HOME, "p")))
    assert faults(good, document) == []
    for break_it in (
        lambda one: one.pop("timestamp"),
        lambda one: one["result"].pop("score"),
        lambda one: one["result"]["extensions"].clear(),
        lambda one: one["context"]["contextActivities"].pop("category"),
        lambda one: one["context"].update(platform="Other"),
        lambda one: one["result"]["extensions"][profile.TRANSFER_SCORE].update(score=7),
        lambda one: one["verb"].update(id=profile.WAS_SENT),
    ):
        bad = json.loads(json.dumps(good))
        break_it(bad)
        assert faults(bad, document)
