"""Proves that the casualty-care example reads real statements honestly: exposure and voice, no outcome.

The README of the example shows a table of what each learner has; it is checked against the facts.
"""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from carrythrough.evidence.mapping import evidence_of_statement
from carrythrough.evidence.types import Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import check_roster
from carrythrough.pipeline.checking import check_tests
from carrythrough.program.compile import Program
from carrythrough.program.load import check_program
from carrythrough.xapi.admission import Limits, admit

STORED_MS = 1_795_000_000_000
LEARNERS = ("Alice Edwards", "Bob Nelson", "Fred Evans", "Phil Walker", "Sally Davis", "Steve Stewart")


@pytest.fixture(scope="module")
def example(repository: Path) -> Path:
    return repository / "examples" / "tccc"


@pytest.fixture(scope="module")
def counts(example: Path) -> Counter[tuple[str, str, Channel]]:
    """Count evidence by (learner, skill, channel)."""
    program_map, lints = check_program((example / "program-map.yaml").read_text("utf-8"), "program-map.yaml")
    assert not lints, [lint.sentence() for lint in lints]
    assert program_map is not None
    roster, lints = check_roster((example / "roster.yaml").read_text("utf-8"), "roster.yaml")
    assert not lints, [lint.sentence() for lint in lints]
    assert roster is not None
    program, directory = Program(program_map), RosterIndex(roster, b"k" * 32)
    found: Counter[tuple[str, str, Channel]] = Counter()
    for line in gzip.decompress((example / "statements.jsonl.gz").read_bytes()).splitlines():
        (one,) = admit(line, Limits(), "1.0.3")
        person = directory.person(directory.subject_of_actor(one.statement.actor))
        assert person is not None, "every learner is on the roster"
        for e in evidence_of_statement(program, one.statement, one.id, one.t_ms, STORED_MS):
            found[person.name, e.skill, Channel(e.channel)] += 1
    return found


def test_the_tests_inside_the_map_pass(example: Path) -> None:
    program_map, _ = check_program((example / "program-map.yaml").read_text("utf-8"), "program-map.yaml")
    assert program_map is not None
    results = check_tests(program_map)
    assert len(results) == 3
    assert not [result for result in results if result.differences]


def test_nobody_has_an_outcome(counts) -> None:
    assert counts.total() == 173
    assert {channel for _, _, channel in counts} == {Channel.EXPOSURE, Channel.VOICE}


def test_each_learner_has_exposure(counts) -> None:
    assert {name for name, _, channel in counts if channel is Channel.EXPOSURE} == set(LEARNERS)


def test_the_table_of_the_readme_is_true(counts, example) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in (example / "README.md").read_text("utf-8").splitlines()
        if line.startswith(("| Learner", *(f"| {name}" for name in LEARNERS)))
    ]
    skills = rows[0][1:]
    assert [row[0] for row in rows[1:]] == list(LEARNERS)
    shown = {(row[0], skill): cell for row in rows[1:] for skill, cell in zip(skills, row[1:], strict=True)}
    actual = {
        (name, skill): _cell(counts[name, skill, Channel.EXPOSURE], counts[name, skill, Channel.VOICE])
        for name in LEARNERS
        for skill in skills
    }
    assert shown == actual


def _cell(exposures: int, voices: int) -> str:
    parts = [f"{exposures} exposure{'s' if exposures > 1 else ''}"] if exposures else []
    return ", ".join(parts + ([f"{voices} voice"] if voices else []))


def test_even_a_careless_map_makes_no_outcome_of_opinions(example) -> None:
    careless = """
map: careless
version: 1
name: Careless
skills: [{id: tourniquet, name: Tourniquet}]
activities:
  - id: evaluation
    name: Evaluation
    match: {activity_type: http://adlnet.gov/expapi/activities/cmi.interaction}
    evidence: [{skill: tourniquet, channel: learn, outcome: score}]
"""
    program_map, _ = check_program(careless, "careless.yaml")
    assert program_map is not None
    program = Program(program_map)
    channels = Counter(
        e.channel
        for line in gzip.decompress((example / "statements.jsonl.gz").read_bytes()).splitlines()
        for one in admit(line, Limits(), "1.0.3")
        for e in evidence_of_statement(program, one.statement, one.id, one.t_ms, STORED_MS)
    )
    assert channels == {Channel.VOICE: 256}
