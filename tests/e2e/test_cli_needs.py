"""Proves `carrythrough needs`: a survey comes in from a table and is shown for a person and for groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k], target: 0.8}, {id: fix, name: Fix, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
policy: {minimum_group: 3}
needs: {manager_share: 0.25, high_from: 0.3}
"""  # noqa: E501
PEOPLE = 6
ROSTER = "people:\n" + "".join(
    f"  - {{id: e-{n}, team: {'north' if n % 2 else 'south'}, role: agent}}\n" for n in range(PEOPLE)
)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(PROGRAM), *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**CLEAN, "COLUMNS": "140"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done

    return call


def test_a_table_of_answers_becomes_priorities(run: Run, tmp_path: Path) -> None:
    rows = ["id,source,kind,time,employee,skill,respondent,scale,importance,confidence,expectation"]
    for n in range(PEOPLE):
        rows.append(f"s{n},hr,needs-survey,2026-11-01T10:00:00Z,e-{n},calm,learner,1-5,5,2,5")
        rows.append(f"t{n},hr,needs-survey,2026-11-01T10:00:00Z,e-{n},fix,learner,1-5,2,4,")
    rows.append("m0,hr,needs-survey,2026-11-02T10:00:00Z,e-0,calm,manager,1-5,1,5,5")
    rows.append("bad,hr,needs-survey,2026-11-02T10:00:00Z,e-0,calm,manager,1-5,7,5,5")
    (tmp_path / "survey.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    maps = ("--data-dir", "data", "--program", "map.yaml", "--roster", "roster.yaml", "--json")
    taken = json.loads(run("ingest", "survey.csv", *maps, code=1).stdout)
    assert taken["accepted"] == 2 * PEOPLE + 1
    assert taken["folded"]["unmatched_by"] == {"needs-survey": 2 * PEOPLE + 1}
    assert taken["folded"]["evidence"] == 0

    person = json.loads(run("needs", "e-0", "--data-dir", "data", "--json").stdout)
    calm, _ = person["skills"]
    assert (calm["importance"], calm["actual"], calm["learner"]["confidence"]) == (0.75, None, None)
    person = json.loads(run("needs", "e-0", "--data-dir", "data", "--json", "--for-learner").stdout)
    calm, fix = person["skills"]
    assert (calm["skill"], calm["importance"], calm["expected"], calm["actual"]) == (
        "calm",
        0.75,
        1.0,
        0.4375,
    )
    assert calm["level"] == "high"
    assert (fix["skill"], fix["expected_by"], fix["expected"]) == ("fix", "target", 0.75)
    shown = run("needs", "e-0", "--data-dir", "data").stdout
    assert "calm" in shown
    assert "importance −100" in shown

    groups = json.loads(run("needs", "--by", "team", "--data-dir", "data", "--json").stdout)
    assert [entry["people"]["learner"] for entry in groups["program"]["skills"]] == [PEOPLE, PEOPLE]
    assert {group["group"] for group in groups["groups"]} == {"north", "south"}
    assert "Means of fewer than 3 people are hidden." in run("needs", "--data-dir", "data").stdout
    assert "is for groups" in run("needs", "e-0", "--by", "team", "--data-dir", "data", code=2).stderr
