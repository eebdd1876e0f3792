"""Proves that each finding about a whole program map is found, placed, and weighed as it should be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrythrough.program import lint_matchers
from carrythrough.program.load import check_program
from carrythrough.program.precedence import covers
from carrythrough.program.types import Match

ANSWERED = "http://adlnet.gov/expapi/verbs/answered"


def base() -> dict[str, Any]:
    return {
        "map": "m",
        "version": 1,
        "name": "M",
        "goals": [{"id": "g", "name": "G", "kpis": [{"id": "k", "name": "K", "target": 1.0}]}],
        "skills": [{"id": "s", "name": "S", "kpis": ["k"]}],
        "objectives": [{"id": "o", "skill": "s", "statement": "Does it.", "activities": ["a"]}],
        "activities": [activity("a", activity_prefix="https://x/")],
        "events": [
            {"id": "e", "match": {"kind": "qa-result"}, "evidence": [{"skill": "s", "channel": "job"}]}
        ],
        "reinforcement": [rule("r")],
    }


def activity(name: str, skill: str = "s", **match: Any) -> dict[str, Any]:
    evidence = [{"skill": skill, "channel": "learn", "outcome": "score"}]
    return {"id": name, "name": name, "match": match, "evidence": evidence}


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "when": {"stage": "fading"},
        "action": "spaced-review",
        "title": "T",
        "body": "B",
        "adapters": ["console"],
    } | more


def found(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return severity and code → pointers."""
    lints = check_program(msgspec.json.encode(document).decode(), "m.json")[1]
    result: dict[str, list[str]] = {}
    for lint in lints:
        result.setdefault(f"{lint.severity} {lint.code}", []).append(lint.pointer)
        assert lint.fix
        assert lint.rule
        assert lint.line >= 1
    return result


def test_the_base_map_is_clean() -> None:
    assert found(base()) == {}


@pytest.mark.parametrize(
    ("section", "pointer"),
    [
        ("goals", "/goals/1/id"),
        ("skills", "/skills/1/id"),
        ("objectives", "/objectives/1/id"),
        ("activities", "/activities/1/id"),
        ("events", "/events/1/id"),
        ("reinforcement", "/reinforcement/1/id"),
    ],
)
def test_an_id_used_twice_is_an_error(section, pointer) -> None:
    document = base()
    document[section].append(document[section][0])
    assert pointer in found(document)["error duplicate-id"]


def test_a_kpi_id_is_unique_over_goals() -> None:
    document = base()
    document["goals"].append(document["goals"][0] | {"id": "other"})
    assert found(document) == {"error duplicate-id": ["/goals/1/kpis/0/id"]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d["skills"][0].update(kpis=["k", "kk"]), "error unknown-kpi"),
        (lambda d: d["objectives"][0].update(skill="t"), "error unknown-skill"),
        (lambda d: d["objectives"][0].update(activities=["b"]), "error unknown-activity"),
        (lambda d: d["activities"][0]["evidence"][0].update(skill="t"), "error unknown-skill"),
        (lambda d: d["events"][0]["evidence"][0].update(skill="t"), "error unknown-skill"),
        (lambda d: d["events"][0]["match"].update(kpi="kk"), "error unknown-kpi"),
        (lambda d: d["activities"][0].update(match={}), "error match-all"),
        (lambda d: d["activities"][0].update(match={"verb": "answered"}), "error never-matches"),
        (lambda d: d["activities"][0]["match"].update(activity="https://y/1"), "error never-matches"),
        (lambda d: d["events"][0].update(match={}), "error match-all"),
        (lambda d: d["events"][0]["match"].update(kind="self-report"), "error channel-conflict"),
        (
            lambda d: d["events"][0]["match"].update(kind=["qa-result", "observation"]),
            "error channel-conflict",
        ),
        (lambda d: d["activities"][0]["evidence"][0].update(channel="exposure"), "error channel-conflict"),
        (lambda d: d["activities"][0].update(evidence=[]), "warning no-evidence"),
        (
            lambda d: d["activities"][0]["evidence"].append(d["activities"][0]["evidence"][0]),
            "error duplicate-evidence",
        ),
        (lambda d: d["reinforcement"][0].update(title=""), "error no-content"),
        (lambda d: d["reinforcement"][0].update(body=""), "error no-content"),
        (lambda d: d["reinforcement"][0].update(adapters=[]), "warning no-adapter"),
        (
            lambda d: d["reinforcement"][0].update(when={"stage": "not-enough-evidence"}),
            "error acts-on-nothing",
        ),
        (lambda d: d["reinforcement"].append(rule("r2")), "warning shadowed"),
        (lambda d: d["skills"][0].update(kpis=[]), "warning skill-without-kpi"),
        (lambda d: d["skills"][0].update(kpis=[]), "warning kpi-without-skill"),
        (lambda d: d["goals"][0]["kpis"][0].pop("target"), "warning kpi-without-target"),
        (lambda d: d.update(events=[]), "warning no-job-evidence"),
        (
            lambda d: d["skills"].append({"id": "t", "name": "T", "kpis": ["k"]}),
            "warning skill-without-evidence",
        ),
    ],
)
def test_a_fault_is_found(change, expected) -> None:
    document = base()
    change(document)
    assert expected in found(document)


@pytest.mark.parametrize(
    ("first", "second", "shadowed"),
    [
        ({"activity": "https://x/1"}, {"activity": "https://x/1"}, True),
        ({"activity": ["https://x/1", "https://x/2"]}, {"activity": "https://x/2"}, True),
        ({"activity": "https://x/1"}, {"activity": ["https://x/1", "https://x/2"]}, False),
        ({"activity_prefix": "https://x/"}, {"activity": "https://x/1"}, False),
        ({"verb": ANSWERED}, {"verb": ANSWERED, "activity_type": "https://t"}, False),
        ({"verb": [ANSWERED, "https://v"]}, {"verb": ANSWERED}, True),
        ({"activity_prefix": "https://x/1/"}, {"activity_prefix": "https://x/"}, False),
        ({"parent": "https://p"}, {"parent": "https://p"}, True),
    ],
)
def test_shadowing_is_found_where_the_second_can_never_be_taken(first, second, shadowed) -> None:
    document = base()
    document["objectives"] = []
    document["activities"] = [activity("a", **first), activity("b", **second)]
    expected = {"warning shadowed": ["/activities/1/match"]} if shadowed else {}
    assert found(document) == expected


def test_an_activity_of_another_skill_is_not_shadowed() -> None:
    document = base()
    document["skills"].append({"id": "t", "name": "T", "kpis": ["k"]})
    document["activities"].append(activity("b", "t", activity_prefix="https://x/"))
    assert found(document) == {}


def test_findings_come_in_the_order_of_the_file() -> None:
    document = base()
    document["skills"][0]["kpis"] = ["kk"]
    document["events"][0]["match"] = {}
    lints = check_program(msgspec.json.encode(document).decode(), "m.json")[1]
    places = [(lint.line, lint.column) for lint in lints]
    assert len(places) >= 2
    assert places == sorted(places)


def test_looking_for_shadows_does_not_compare_everyone_with_everyone(monkeypatch) -> None:
    asked = 0

    def counting(wide: Match, narrow: Match) -> bool:
        nonlocal asked
        asked += 1
        return covers(wide, narrow)

    monkeypatch.setattr(lint_matchers, "covers", counting)
    document = base()
    document["activities"] += [
        activity(f"b-{n}", activity=f"https://y/{n}", verb=ANSWERED, category="https://c")
        for n in range(1_000)
    ]
    document["activities"] += [
        activity(f"c-{n}", activity_prefix=f"https://z/{n}/", verb=ANSWERED) for n in range(1_000)
    ]
    assert found(document) == {}
    assert asked <= 2_000


@pytest.mark.parametrize(
    "dip", [{"from": "2026-02-30", "to": "2026-03-30"}, {"from": "2026-03-02", "to": "2026-03-01"}]
)
def test_a_dip_has_real_days_in_order(dip: dict[str, str]) -> None:
    document = base()
    document["skills"][0]["dips"] = [{"from": "2026-02-28", "to": "2026-02-28"}, dip]
    assert found(document) == {"error dip-impossible": ["/skills/0/dips/1"]}
