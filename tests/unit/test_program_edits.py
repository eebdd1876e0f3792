"""Proves that the lines which a finding proposes mend it, and that suggestions leave the rest of a map as it was."""

from __future__ import annotations

import pytest

from carrythrough.authoring.source import read_source
from carrythrough.program.edits import AT_THE_END, advice, edits_for, with_activities
from carrythrough.program.load import check_program

MAP = """\
map: m
version: 1
name: Lifting
skills:
  - id: lift
    name: Lift with the hoist
    roles: {nurse: 1.0}
objectives:
  - id: use-the-hoist
    skill: lift
    statement: Uses the hoist.
activities:
  # The quiz.
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://l.example/quiz/"}
    evidence: [{skill: lift, channel: learn, outcome: score}]

# What comes last.
policy: {per_day: 1}
"""
WITHOUT = MAP[: MAP.index("activities:")]


def edits(text: str) -> list[tuple[str, str, str]]:
    """Return (code, where, lines) of what is proposed for a map."""
    program, lints = check_program(text, "m.yaml")
    assert program is not None
    root = read_source(text, "m.yaml")
    found = edits_for([*advice(program, root, "m.yaml"), *lints], program, root, text)
    return [(lint.code, edit.where, edit.text) for lint, edit in found if edit is not None]


def applied(text: str, where: str, edit: str) -> str:
    lines = text.splitlines()
    at = len(lines) if where == AT_THE_END else int(where.rpartition(" ")[2])
    return "\n".join([*lines[:at], *edit.splitlines(), *lines[at:]]) + "\n"


def test_following_every_edit_ends_in_a_map_without_findings() -> None:
    text, seen = MAP, []
    for _ in range(6):
        proposed = edits(text)
        if not proposed:
            break
        code, where, edit = proposed[0]
        seen.append(code)
        text = applied(text, where, edit)
    program, lints = check_program(text, "m.yaml")
    assert program is not None
    assert not lints, [lint.sentence() for lint in lints]
    assert {"no-goal", "no-job-evidence", "objective-without-activity"} <= set(seen)
    assert len(seen) == len(set(seen))
    assert "# The quiz." in text


def test_an_edit_that_answers_several_findings_stands_once() -> None:
    text = MAP.replace("objectives:\n", "  - id: sling\n    name: Check the sling\nobjectives:\n").replace(
        "activities:\n  # The",
        "  - id: check\n    skill: sling\n    statement: Checks it.\nactivities:\n  # The",
    )
    (edit,) = [lines for code, _, lines in edits(text) if code == "no-job-evidence"]
    assert edit.count("events:") == 1
    assert "skill: lift" in edit
    assert "skill: sling" in edit


def test_a_part_in_one_line_gets_no_edit_by_line() -> None:
    text = MAP.replace(
        "  - id: lift\n    name: Lift with the hoist\n    roles: {nurse: 1.0}\n", "  - {id: lift, name: L}\n"
    )
    text += "goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]\n"
    assert "skill-without-kpi" not in [code for code, _, _ in edits(text)]


ENTRY = ["  - id: sim", "    name: Sim", "    match: {activity: 'https://l.example/sim'}"]


@pytest.mark.parametrize(
    "text",
    [
        MAP,
        MAP.replace("activities:\n", "activities:\n\n"),
        MAP.replace("\n# What comes last.\npolicy: {per_day: 1}\n", ""),
        WITHOUT,
        WITHOUT + "activities: []\n",
        WITHOUT + "activities:\n- id: quiz\n  name: Q\n  match: {verb: 'https://v.example/x'}\n",
    ],
)
def test_suggested_activities_are_added_and_the_rest_stays(text: str) -> None:
    before, _ = check_program(text, "m.yaml")
    found = with_activities(text, read_source(text, "m.yaml"), ENTRY)
    assert before is not None
    assert found is not None
    after, lints = check_program(found, "m.yaml")
    assert after is not None, [lint.sentence() for lint in lints]
    assert after.activities[:-1] == before.activities
    assert after.activities[-1].id == "sim"
    assert after.policy == before.policy
    kept = [line for line in text.splitlines() if line.strip() and line != "activities: []"]
    assert [line for line in found.splitlines() if line in kept] == kept


def test_activities_in_one_line_are_left_to_a_person() -> None:
    text = WITHOUT + "activities: [{id: a, name: A, match: {verb: 'https://v.example/x'}}]\n"
    assert with_activities(text, read_source(text, "m.yaml"), ENTRY) is None
