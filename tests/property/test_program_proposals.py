"""Proves that a map proposed from any statements reads without errors and gives the evidence that it promises."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.authoring.source import read_source
from carrythrough.pipeline.coverage import MapCoverage
from carrythrough.program.edits import advice, edits_for
from carrythrough.program.load import check_program
from carrythrough.program.map_text import Answers, map_text
from carrythrough.program.observed import Observed
from carrythrough.program.proposing import propose
from carrythrough.xapi.admission import Limits, admit

ADL = "http://adlnet.gov/expapi/"
VERBS = [
    ADL + f"verbs/{word}" for word in ("answered", "passed", "failed", "completed", "experienced", "launched")
]
VERBS += ["http://id.tincanapi.com/verb/skipped", "https://w3id.org/xapi/video/verbs/played", "urn:x:did"]
TYPES = ["", ADL + "activities/course", ADL + "activities/cmi.interaction", ADL + "activities/simulation"]
TYPES += [
    "https://w3id.org/xapi/video/activity-type/video",
    "http://id.tincanapi.com/activitytype/survey",
    "urn:x:type",
]
IDS = [
    "https://x.example/a",
    "https://x.example/a/1",
    "https://x.example/a/2",
    "https://x.example/sim/1",
    "urn:b",
]
IDS += [
    "https://y.example/quiz?id=1#q:1",
    "https://y.example/quiz?id=2",
    "uuid://7d4f3c70",
    "https://x.example/",
]
NAMES = st.sampled_from(
    ["", "null", "A: b", "#1", "Lifting", "Ünïcode", "x" * 80, "'", '"', "{a}", "1.0", "yes"]
)
RESULTS: list[Any] = [
    None,
    {"score": {"scaled": 0.5}},
    {"score": {"raw": 3}},
    {"score": {"raw": 3, "min": 0, "max": 5}, "success": True},
    {"success": False},
    {"completion": True},
    {"response": "likert_1"},
    {"duration": "PT1S"},
]


@st.composite
def activities(draw: st.DrawFn) -> dict[str, Any]:
    definition: dict[str, Any] = {}
    if kind := draw(st.sampled_from(TYPES)):
        definition["type"] = kind
    if name := draw(NAMES):
        definition["name"] = {"en": name}
    if draw(st.integers(0, 5)) == 0:
        definition["interactionType"] = draw(st.sampled_from(["likert", "choice"]))
        definition["description"] = {
            "en": draw(st.sampled_from(["I am confident I can lift.", "The room was warm."]))
        }
    found: dict[str, Any] = {"id": draw(st.sampled_from(IDS))}
    return found | ({"definition": definition} if definition else {})


@st.composite
def statements(draw: st.DrawFn) -> bytes:
    whole: dict[str, Any] = {
        "actor": {"mbox": "mailto:a@b.example"},
        "verb": {"id": draw(st.sampled_from(VERBS))},
        "object": draw(activities()),
    }
    if result := draw(st.sampled_from(RESULTS)):
        whole["result"] = result
    around = draw(
        st.dictionaries(st.sampled_from(["parent", "grouping", "category"]), activities(), max_size=2)
    )
    if around:
        whole["context"] = {"contextActivities": {member: [near] for member, near in around.items()}}
    return msgspec.json.encode(whole)


@given(st.lists(statements(), min_size=1, max_size=20))
@settings(max_examples=80)
def test_a_proposed_map_reads_and_keeps_its_promise(raws: list[bytes]) -> None:
    admitted = [admit(raw, Limits(), "1.0.3")[0] for raw in raws]
    observed = Observed()
    for one in admitted:
        observed.add(one.statement)
    proposal = propose(observed)
    text = map_text(proposal, Answers(), "statements.jsonl")
    program, lints = check_program(text, "m.yaml")
    assert program is not None, text + "\n".join(lint.sentence() for lint in lints)
    assert [part.match for part in program.activities] == [
        part.activity.match for part in proposal.activities
    ]
    coverage = MapCoverage(program)
    for one in admitted:
        coverage.add_statement(one.statement, 0)
    assert (coverage.bearing, coverage.covered) == (proposal.bearing, proposal.covered)
    # Each warning says what to write, but for those that only the author can settle.
    root = read_source(text, "m.yaml")
    found = edits_for([*advice(program, root, "m.yaml"), *lints], program, root, text)
    answered = {lint.code for lint, edit in found if edit is not None}
    later = {"objective-without-activity"} if "skill-without-evidence" in answered else set()
    assert {lint.code for lint, _ in found} - answered - later <= {"overlapping-evidence", "shadowed"}
    assert proposal.covered >= 0.8 * proposal.bearing
