"""Proves that a comparison of two maps says what changed and what it means, and nothing where nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from carrythrough.program.difference import Change, difference, version_raised
from carrythrough.program.load import load_program
from carrythrough.program.types import ProgramMap

MAP = """\
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 60, unit: s}, {id: other, name: O, target: 1}]}]
skills: [{id: s, name: S, kpis: [k]}, {id: t, name: T, kpis: [other]}]
objectives: [{id: o, skill: s, statement: Does it., activities: [quiz]}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: ["https://l.example/q/", "https://l.example/r/"]}
    evidence: [{skill: s, channel: learn, outcome: score}, {skill: t, channel: exposure}]
events: [{id: seen, match: {kind: observation}, evidence: [{skill: s, channel: observed}]}]
reinforcement:
  - {id: nudge-it, when: {stage: unapplied}, action: nudge, title: t, body: b, adapters: [console]}
"""


def compared(*replacements: tuple[str, str]) -> list[Change]:
    text = MAP
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return difference(parsed(MAP), parsed(text))


def parsed(text: str) -> ProgramMap:
    return load_program(text, "m.yaml")


def test_a_map_differs_from_itself_in_nothing_however_it_is_written() -> None:
    assert compared() == []
    assert compared(("name: M\n", "name: 'M'  # the same\n")) == []


@pytest.mark.parametrize(
    ("replacement", "section", "field", "before", "after", "means"),
    [
        (("target: 60", "target: 45"), "kpis", "target", 60.0, 45.0, "new standard"),
        (
            ("{id: s, name: S,", "{id: s, name: S, target: 0.9,"),
            "skills",
            "target",
            None,
            0.9,
            "at once; scores stay",
        ),
        (
            ("outcome: score}", "outcome: success}"),
            "activities",
            "evidence.s.outcome",
            "score",
            "success",
            "differently",
        ),
        (
            ("stage: unapplied", "stage: fading"),
            "reinforcement",
            "when.stage",
            None,
            None,
            "other situations",
        ),
        (
            ("statement: Does it.", "statement: Does it well."),
            "objectives",
            "statement",
            None,
            None,
            "words only",
        ),
    ],
)
def test_a_changed_value_is_named_with_its_meaning(
    replacement: tuple[str, str], section: str, field: str, before: Any, after: Any, means: str
) -> None:
    (change,) = compared(replacement)
    assert (change.section, change.what) == (section, "changed")
    (value,) = change.fields
    assert value.path == field
    if before is not None or after is not None:
        assert (value.before, value.after) == (before, after)
    assert means in change.means


def test_a_matcher_that_changes_says_that_stamped_evidence_stays() -> None:
    (change,) = compared((', "https://l.example/r/"', ""))
    assert change.fields[0].path == "match.activity_prefix"
    assert "from now on" in change.means
    assert "stays as it is" in change.means


def test_parts_come_and_go() -> None:
    changes = compared(
        ("events: [{id: seen, match: {kind: observation}, evidence: [{skill: s, channel: observed}]}]\n", ""),
        (
            "reinforcement:\n",
            "reinforcement:\n  - {id: again, when: {stage: fading}, action: nudge, title: t, body: b}\n",
        ),
    )
    assert [(c.section, c.id, c.what) for c in changes] == [
        ("events", "seen", "removed"),
        ("reinforcement", "again", "added"),
    ]
    assert "observed" in changes[0].means


def test_a_new_id_is_a_renaming_and_of_a_skill_a_new_beginning() -> None:
    (rule,) = compared(("id: nudge-it", "id: nudge-them"))
    assert (rule.what, rule.id, rule.was) == ("renamed", "nudge-them", "nudge-it")
    skill = next(
        c for c in compared(("id: t,", "id: u,"), ("skill: t,", "skill: u,")) if c.section == "skills"
    )
    assert (skill.what, skill.was) == ("renamed", "t")
    assert "begins anew" in skill.means


def test_a_version_that_is_not_raised_is_seen() -> None:
    old = parsed(MAP)
    assert version_raised(old, old)
    assert not version_raised(old, parsed(MAP.replace("target: 60", "target: 45")))
    assert version_raised(
        old, parsed(MAP.replace("target: 60", "target: 45").replace("version: 1", "version: 2"))
    )
