"""Proves that each finding about a program map is provoked by its fault, at its place, and by nothing else.

One map is sound and has every section; each case changes one thing in it (tests/data/program_map_findings.yaml).
Together the cases provoke every code that the linter knows, so none can be documented without being found, nor
found without being documented.
"""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carrythrough.authoring.source import Lint, read_source
from carrythrough.program.findings import FINDINGS
from carrythrough.program.load import Surroundings, check_program
from carrythrough.program.part import day_number

ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
AROUND = Surroundings(
    adapters=frozenset({"console", "slack"}),
    roles=frozenset({"agent", "lead"}),
    teams=frozenset({"blue", "green"}),
    sites=frozenset({"north"}),
    people=frozenset({"e-1", "e-2"}),
    today=day_number("2026-06-01"),
)


DATA = Path(__file__).parents[1] / "data" / "program_map_findings.yaml"
WHOLE: dict[str, Any] = read_source(DATA.read_text("utf-8"), DATA.name).plain()
CASES: list[dict[str, Any]] = WHOLE["cases"]


def sound() -> dict[str, Any]:
    """Return a map about which there is nothing to say."""
    return copy.deepcopy(WHOLE["sound"])


def lints_of(document: dict[str, Any], around: Surroundings = AROUND) -> list[Lint]:
    return check_program(msgspec.json.encode(document).decode(), "m.json", around)[1]


def at(document: Any, *path: str | int) -> Any:
    for step in path:
        document = document[step]
    return document


Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, **values: Any) -> Change:
    """Return a change that sets keys of the table at `path`."""
    return lambda document: at(document, *path).update(copy.deepcopy(values))


def activity(name: str = "new", **more: Any) -> dict[str, Any]:
    evidence = [{"skill": "calm", "channel": "learn", "outcome": "score"}]
    return {"id": name, "name": "N", "match": {"activity": "https://n/1"}, "evidence": evidence} | more


KPI = ("goals", 0, "kpis", 0)
SKILL = ("skills", 0)
RULE = ("reinforcement", 0)
PROGRAM = ("programs", 0)
IRI = "https://ext.example/share"


def changed(changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sound map with the changes of a case: put at a pointer, drop one, add to a list."""
    document = sound()
    for change in changes:
        [kind] = change.keys() - {"value"}
        *path, last = [int(step) if step.isdigit() else step for step in change[kind].split("/")[1:]]
        inner = at(document, *path)
        if kind == "drop":
            del inner[last]
        elif kind == "put":
            inner[last] = change["value"]
        else:
            inner[last].append(change["value"])
    return document


def test_there_is_nothing_to_say_about_the_sound_map() -> None:
    assert [lint.sentence() for lint in lints_of(sound())] == []


def test_the_cases_provoke_every_finding_that_is_documented() -> None:
    assert {case["finding"] for case in CASES} == set(FINDINGS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['finding']}{case['at']}")
def test_a_fault_is_found_where_it_stands(case: dict[str, Any]) -> None:
    lints = lints_of(changed(case["changes"]))
    found = [lint for lint in lints if lint.code == case["finding"]]
    assert case["at"] in [lint.pointer for lint in found], [lint.sentence() for lint in lints]
    for lint in lints:
        assert lint.severity == FINDINGS[lint.code].severity
        assert lint.message
        assert lint.rule
        assert lint.why
        assert lint.fix
        assert lint.line >= 1
        assert not lint.message.endswith(".")


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (put(*SKILL, kpis=["k", "taem"]), 'did you mean "team"?'),
        (put("objectives", 0, shown_by="call"), 'did you mean "calls"?'),
        (put(*RULE, adapters="consol"), 'did you mean "console"?'),
        (put("programs", 0, "cohorts", 0, teams="bleu"), 'did you mean "blue"?'),
        (put(*SKILL, roles={"agnt": 1.0}), 'did you mean "agent"?'),
        (put("tests", 0, "expect", actions="nudges"), 'did you mean "nudge"?'),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(change: Change, fix: str) -> None:
    document = sound()
    change(document)
    assert fix in [lint.fix for lint in lints_of(document)]


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (put(*KPI, target="34,50"), "write 34.5"),
        (put(*KPI, target="34.5"), "write 34.5, without quotes"),
        (put(*KPI, target="1,000"), "write a number"),  # a thousand, or one: nobody can tell
        (put(*KPI, target="a lot"), "write a number"),
        (put(*KPI, direction="Higher"), 'did you mean "up"?'),
        (put(*SKILL, target="85 %"), "write 0.85"),
        (put(*SKILL, opportunity_days="7,5"), "write a whole number"),
        (put(*SKILL, volatile="yes"), "write true, without quotes"),
        (put(*SKILL, volatile="maybe"), "write true or false"),
        (put("policy", days_off="Saturday"), 'did you mean "sat"?'),
        (
            put("activities", 0, "match", verb="Completed"),
            'did you mean "http://adlnet.gov/expapi/verbs/completed"?',
        ),
        (
            put("activities", 0, "match", verb="done"),
            "write it in full, with its scheme (xAPI 1.0.3 part 2, 2.2)",
        ),
    ],
)
def test_a_value_that_is_nearly_right_is_mended(change: Change, fix: str) -> None:
    document = sound()
    document.setdefault("policy", {})
    change(document)
    assert fix in [lint.fix for lint in lints_of(document)]


@pytest.mark.parametrize(
    ("prefixes", "names", "opens"),
    [
        (["https://y/course/1"], [], True),
        (["https://y/course/1/"], [], False),
        (["https://y/view?id=1"], [], True),
        (["https://y/view?id="], [], False),
        (["https://y/course"], [], False),
        (["https://y/course"], ["https://y/courses/7"], True),
        (["https://y/course"], ["https://y/course-two"], False),
        (["https://y/course", "https://y/coursework/"], [], True),
        (["https://y/media/415617fd-ce29-4de0-bc2b-dc8ae9c85c65"], [], False),
        (["https://y/run/20260401"], [], False),
    ],
)
def test_a_beginning_that_ends_inside_a_word_or_number_is_told(
    prefixes: list[str], names: list[str], opens: bool
) -> None:
    document = sound()
    new = [activity(f"new-{n}", match={"activity_prefix": text}) for n, text in enumerate(prefixes)]
    new += [activity(f"whole-{n}", match={"activity": text}) for n, text in enumerate(names)]
    document["activities"] += new
    found = [lint for lint in lints_of(document) if lint.code == "open-prefix"]
    assert len(found) == opens
    assert all(prefixes[0] in lint.message for lint in found)


def test_what_is_around_the_map_is_looked_at_only_where_it_is_known() -> None:
    document = sound()
    put(*RULE, adapters="consol")(document)
    put("programs", 0, "cohorts", 0, teams="bleu", people="e-9")(document)
    put(*PROGRAM, end="2026-05-31")(document)
    assert lints_of(document, Surroundings()) == []
    assert {lint.code for lint in lints_of(document)} == {
        "unknown-adapter", "unknown-team", "unknown-person", "program-ended",
    }  # fmt: skip


def test_one_entry_written_without_its_list_has_its_place() -> None:
    text = """\
map: m
version: 1
name: M
skills: [{id: s, name: S}]
events:
  - id: e
    match: {kind: qa-result}
    evidence: {skill: t, channel: job}
"""
    program, lints = check_program(text, "m.yaml")
    assert program is None
    assert [(lint.code, lint.line, lint.column) for lint in lints if lint.severity == "error"] == [
        ("unknown-skill", 8, 23)
    ]


def test_thousands_of_unknown_names_cost_no_minutes() -> None:
    document = sound()
    document["skills"][0]["kpis"] = [f"nothing-{n}" for n in range(3_000)]
    document["programs"][0]["cohorts"][0]["people"] = [f"x-{n}" for n in range(3_000)]
    rules = [
        copy.deepcopy(document["reinforcement"][0]) | {"id": f"r-{n}", "skills": f"s-{n}"}
        for n in range(1_500)
    ]
    document["reinforcement"] = rules
    around = msgspec.structs.replace(AROUND, people={f"e-{n}" for n in range(50_000)})
    start = time.perf_counter()
    lints = lints_of(document, around)
    assert time.perf_counter() - start < 10.0
    counts = Counter(lint.code for lint in lints)
    assert (counts["unknown-kpi"], counts["unknown-person"], counts["unknown-skill"]) == (3_000, 3_000, 1_500)
    assert all(lint.fix for lint in lints)


def test_a_long_circle_is_told_once_and_whole() -> None:
    document = sound()
    names = [f"s{n}" for n in range(30)]
    document["skills"] += [
        {
            "id": name,
            "name": "N",
            "kpis": "k",
            "roles": {"agent": 1},
            "requires": [names[(n + 1) % 30], "calm"],
        }
        for n, name in enumerate(names)
    ]
    circles = [lint for lint in lints_of(document) if lint.code == "requires-cycle"]
    assert len(circles) == 1
    assert circles[0].message.count("→") == 30


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/"}, True),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": PASSED}, False),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": [PASSED, ANSWERED]}, True),
        ({"verb": ANSWERED}, {"activity_prefix": "https://x/", "verb": ANSWERED}, False),  # a special case
        ({"activity": ["https://a", "https://b"]}, {"activity": ["https://b", "https://c"]}, True),
        ({"activity": "https://a"}, {"activity": "https://b"}, False),
        ({"activity_prefix": ["https://a/", "https://b/"]}, {"activity_prefix": "https://a/1"}, False),
        (
            {"activity_prefix": ["https://a/1", "https://b/"]},
            {"activity_prefix": ["https://a/", "https://c/"]},
            True,
        ),
        ({"parent": "https://p"}, {"parent": "https://q"}, False),
        ({"parent": "https://p"}, {"verb": ANSWERED}, True),
        ({"parent": "https://p", "except": {"verb": ANSWERED}}, {"verb": ANSWERED}, False),
        (
            {"verb": ANSWERED, "extension": {"iri": IRI, "equals": "easy"}},
            {"activity_prefix": "https://x/", "extension": {"iri": IRI, "equals": "hard"}},
            False,
        ),
    ],
)
def test_activities_overlap_where_neither_is_a_special_case(
    first: dict[str, Any], second: dict[str, Any], overlap: bool
) -> None:
    for one, other in ((first, second), (second, first)):
        document = sound()
        document["activities"] = [activity("one", match=one), activity("other", match=other)]
        codes = [lint.code for lint in lints_of(document)]
        assert ("overlapping-evidence" in codes) is overlap, (one, other)


def test_activities_that_differ_by_skill_or_channel_may_share_statements() -> None:
    document = sound()
    meeting = [activity("one", match={"verb": ANSWERED}), activity("other", match={"parent": "https://p"})]
    meeting[1]["evidence"] = [{"skill": "ask", "channel": "learn", "outcome": "score"}]
    document["activities"] = meeting
    assert "overlapping-evidence" not in [lint.code for lint in lints_of(document)]
    meeting[1]["evidence"] = [{"skill": "calm", "channel": "practice", "outcome": "score"}]
    assert "overlapping-evidence" not in [lint.code for lint in lints_of(document)]
