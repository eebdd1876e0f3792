"""What a skill means on the job stands beside its score: objectives and how often they were shown, programs, links."""

from __future__ import annotations

from typing import Any

import pytest

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.explain_meaning import meaning_part
from carrythrough.pipeline.plan import InForce
from carrythrough.program.cohorts import Cohorts
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED

MAP = """
map: m
version: 1
name: M
skills:
  - {id: calm, name: Calm, requires: listen, frameworks: ["https://esco.example/1"]}
  - {id: listen, name: Listen}
objectives:
  - {id: any, skill: calm, statement: Calms people., activities: []}
  - {id: calls, skill: calm, statement: Calms callers., shown_by: on-the-phone}
  - {id: other, skill: listen, statement: Listens.}
events:
  - {id: on-the-phone, match: {kind: qa-result}, evidence: {skill: calm}}
  - {id: at-the-desk, match: {kind: task-outcome}, evidence: {skill: calm}}
programs:
  - id: spring
    name: Spring
    owner: Maya
    skills: calm
    start: 2026-03-01
    end: 2026-12-31
    rollout: waitlist
    cohorts:
      - {id: early, name: Early birds, sites: north, roles: [agent, lead]}
      - {id: late, teams: blue, start: 2026-06-01}
      - {id: rest, people: e-9, comparison: true}
  - {id: all, name: Everybody}
  - {id: elsewhere, name: Of another skill, skills: listen}
"""
ROSTER = """
people:
  - {id: e-1, role: agent, site: north, team: blue}
  - {id: e-2, role: agent, site: south, team: blue}
  - {id: e-3, role: agent, site: south, team: red}
  - {id: e-9, role: agent, site: south, team: blue}
"""


@pytest.fixture(scope="module")
def in_force() -> InForce:
    program = Program(load_program(MAP, "m.yaml"))
    return InForce(program, RosterIndex(load_roster(ROSTER, "r.yaml"), b"k" * 32), SHIPPED)


def evidence(
    rule: str, t_ms: int, *, y: int = Y_ONE, channel: int = Channel.JOB, skill: str = "calm"
) -> Evidence:
    return Evidence(t_ms.to_bytes(16, "big"), skill, channel, t_ms, y, W_ONE, 0, 0, "", rule, 1)


def meaning(in_force: InForce, person: str, rows: list[Evidence]) -> Any:
    subject = in_force.directory.subject_of_employee(person)
    return meaning_part(subject, in_force.program.skills["calm"], in_force, rows)


def test_an_objective_says_how_often_it_was_shown_and_when(in_force: InForce) -> None:
    rows = [
        evidence("on-the-phone", 5),
        evidence("on-the-phone", 7),
        evidence("on-the-phone", 9, y=0),  # a failure shows nothing
        evidence("at-the-desk", 8),
        evidence("quiz", 11, channel=Channel.LEARN),
        evidence("on-the-phone", 12, skill="listen"),
    ]
    told = meaning(in_force, "e-3", rows)
    assert told["objectives"] == [
        {"id": "any", "statement": "Calms people.", "times_shown": 3, "last_shown_ms": 8},
        {"id": "calls", "statement": "Calms callers.", "times_shown": 2, "last_shown_ms": 7},
    ]
    assert told["frameworks"] == ["https://esco.example/1"]
    assert told["requires"] == [{"skill": "listen", "skill_name": "Listen"}]
    assert meaning(in_force, "e-3", [])["objectives"][0]["last_shown_ms"] is None


@pytest.mark.parametrize(
    ("person", "cohort", "name", "start", "comparison"),
    [
        ("e-1", "early", "Early birds", "2026-03-01", False),  # in the blue team too: the first cohort counts
        ("e-2", "late", "late", "2026-06-01", False),
        ("e-9", "rest", "rest", "2026-03-01", True),  # listed by name, though the team fits an earlier one
        ("e-3", None, None, None, None),
    ],
)
def test_a_person_takes_part_where_they_are_listed_else_in_the_first_cohort_that_fits(
    in_force: InForce, person: str, cohort: str | None, name: str, start: str, comparison: bool
) -> None:
    programs = {entry["program"]: entry for entry in meaning(in_force, person, [])["programs"]}
    assert "elsewhere" not in programs
    everybody = programs.pop("all")
    assert (everybody["cohort"], everybody["start"], everybody["comparison"]) == ("", None, False)
    if cohort is None:
        assert programs == {}
        return
    assert programs["spring"] == {
        "program": "spring",
        "name": "Spring",
        "owner": "Maya",
        "rollout": "waitlist",
        "cohort": cohort,
        "cohort_name": name,
        "comparison": comparison,
        "start": start,
        "end": "2026-12-31",
    }


def test_somebody_unknown_takes_part_in_nothing(in_force: InForce) -> None:
    told: Any = meaning_part("0" * 32, in_force.program.skills["calm"], in_force, [])
    assert told["programs"] == []


def test_a_listed_person_belongs_whatever_their_team() -> None:
    programs = load_program(MAP.replace("teams: blue", "teams: green"), "m.yaml").programs
    [spring, everybody] = Cohorts(programs).of("e-9", "agent", "blue", "south")[:2]
    assert (spring.cohort, spring.comparison, everybody.cohort) == ("rest", True, "")
