"""Proves that `carrythrough program lint` holds a map against adapters, roster and day, in the three formats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carrythrough.program.findings import FINDINGS

MAP = """\
map: m
version: 1
name: M
skills: [{id: s, name: S, roles: {agnt: 1.0}}]
events: [{id: e, match: {kind: qa-result}, evidence: {skill: s}}]
reinforcement:
  - {id: r, when: {stage: fading}, action: nudge, title: T, body: B, adapters: [consol, my-own]}
programs:
  - {id: p, name: P, start: 2020-01-01, end: 2020-12-31, cohorts: [{id: c, teams: bleu, people: e-9}]}
"""
SETTINGS = '[adapters.my-own]\nadapter = "console"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "roster.json").write_text(
        json.dumps({"people": [{"id": "e-1", "role": "agent", "team": "blue", "site": "north"}]})
    )
    (tmp_path / "settings.toml").write_text(SETTINGS)
    return tmp_path


def lint(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "carrythrough.cli.main", "program", "lint", "map.yaml", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder)
    return done.returncode, done.stdout


def test_names_are_held_against_what_there_is(folder: Path) -> None:
    code, text = lint(folder, "--roster", "roster.json", "--config", "settings.toml", "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(text)["findings"]
    told = {(one["code"], one["pointer"]): one["fix"] for one in found}
    assert told[("unknown-role", "/skills/0/roles/agnt")] == 'did you mean "agent"?'
    assert told[("unknown-adapter", "/reinforcement/0/adapters/0")] == 'did you mean "console"?'
    assert told[("unknown-team", "/programs/0/cohorts/0/teams/0")] == 'did you mean "blue"?'
    assert ("unknown-person", "/programs/0/cohorts/0/people/0") in told
    assert ("program-ended", "/programs/0/end") in told
    assert not [pointer for code, pointer in told if pointer == "/reinforcement/0/adapters/1"]
    known = [one for one in found if one["code"] in FINDINGS]
    assert len(known) >= 5
    assert all(one["rule"] and one["why"] and one["fix"] and one["line"] for one in known)


def test_warnings_count_where_they_are_asked_to(folder: Path) -> None:
    code, text = lint(folder, "--strict", "--format", "github")
    assert code == 1
    line = next(line for line in text.splitlines() if "title=program-ended" in line)
    assert line.startswith("::warning file=map.yaml,line=9,col=46,title=program-ended::")
    assert "%0Awhy: " in line
    assert "%0Afix: " in line
    assert not [line for line in text.splitlines() if "unknown-role" in line]  # no roster was given
