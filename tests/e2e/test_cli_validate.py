"""Proves that `validate` finds every fault of a file, names its line, rule and fix, and stores nothing."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
        command = [str(PROGRAM), "validate", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False, timeout=100
        )

    return call


@pytest.fixture(scope="module")
def course(repository: Path) -> Path:
    return repository / "examples" / "tccc"


def test_the_example_is_good_and_its_map_sees_what_its_readme_says(
    run: Run, course: Path, tmp_path: Path
) -> None:
    inputs = ("--program", course / "program-map.yaml", "--roster", course / "roster.yaml")
    done = run(course / "statements.jsonl.gz", *inputs)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": good") == 3
    found = json.loads(run(course / "statements.jsonl.gz", *inputs, "--json").stdout)
    assert (found["errors"], found["coverage"]["people"], found["coverage"]["strangers"]) == (0, 6, 0)
    # The table of the example's README, summed over the six learners.
    assert found["coverage"]["skills"]["tourniquet-self"] == {"exposure": 84}
    assert found["coverage"]["skills"]["tourniquet-buddy"] == {"exposure": 43, "voice": 9}
    assert found["coverage"]["skills"]["airway"] == {"voice": 8}
    assert list(tmp_path.iterdir()) == []


def test_the_samples_of_real_senders_are_good(run: Run, repository: Path) -> None:
    samples = sorted((repository / "tests" / "data").glob("*.jsonl"))
    done = run(*samples)
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"statements, \d+ statements: good", done.stdout)) == len(samples)


def test_every_fault_of_a_program_map_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(
        "map: m\nversion: 1\nname: M\nskills:\n  - {id: Big Skill, name: x}\n  - id: b\n    nmae: y\n    target: 80\n",
        "utf-8",
    )
    done = run("map.yaml")
    assert done.returncode == 1
    places = re.findall(r"^  map\.yaml:(\d+):\d+: error: ", done.stdout, re.MULTILINE)
    assert {"5", "7", "8"} <= set(places)
    assert 'write "big-skill"' in done.stdout
    assert 'did you mean "name"?' in done.stdout
    assert "write 0.8, a share" in done.stdout
    assert "at    /skills/1/target" in done.stdout
    found = json.loads(run("map.yaml", "--json").stdout)
    assert found["errors"] == len(places)
    assert all(f["rule"] and f["fix"] and f["line"] for f in found["files"][0]["findings"])


def test_every_kind_of_file_is_told_by_its_content(run: Run, course: Path, tmp_path: Path) -> None:
    (tmp_path / "roster").write_bytes((course / "roster.yaml").read_bytes())
    (tmp_path / "people.csv").write_text("id,name,email\ne-1,Ada,ada@example.org\n", "utf-8")
    (tmp_path / "map.gz").write_bytes(gzip.compress((course / "program-map.yaml").read_bytes()))
    event = {
        "id": "1",
        "source": "s",
        "kind": "opportunity",
        "employee": "e-1",
        "time": "2026-11-01T10:00:00Z",
    }
    (tmp_path / "events.json").write_text(json.dumps([event]), "utf-8")
    (tmp_path / "events.csv").write_text(
        "id,source,kind,employee,time\n1,s,opportunity,e-1,2026-11-01T10:00:00Z\n"
    )
    found = json.loads(run("roster", "people.csv", "map.gz", "events.json", "events.csv", "--json").stdout)
    assert [file["kind"] for file in found["files"]] == ["roster", "roster", "program", "events", "events"]
    assert [file["records"] for file in found["files"]] == [7, 1, 5, 1, 1]
    assert found["errors"] == 0


def test_a_fault_inside_a_pretty_array_has_its_own_line(run: Run, course: Path, tmp_path: Path) -> None:
    with gzip.open(course / "statements.jsonl.gz", "rt", encoding="utf-8") as lines:
        statements: list[dict[str, Any]] = [json.loads(line) for line in lines][:50]
    statements[30]["verb"]["id"] = "passed"
    text = json.dumps(statements, indent=2)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if '"passed"' in one)
    (tmp_path / "a.json").write_text(text.replace('"version"', '"version"', 1), "utf-8")
    (finding,) = json.loads(run("a.json", "--json").stdout)["files"][0]["findings"]
    assert (finding["line"], finding["pointer"], finding["code"]) == (line, "/verb/id", "iri-invalid")
    broken = text.replace('"passed"', '"passed', 1)
    (tmp_path / "a.json").write_text(broken, "utf-8")
    found = json.loads(run("a.json", "--json").stdout)["files"][0]
    assert line in [f["line"] for f in found["findings"]]
    assert found["records"] >= 30


def test_what_nothing_tells_is_asked_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("hello: world\n", "utf-8")
    done = run("x.yaml")
    assert done.returncode == 1
    assert "--as" in done.stdout
    done = run("x.yaml", "--as", "program")
    assert done.returncode == 1
    assert '"map" is required' in done.stdout
    assert 'unknown key "hello"' in done.stdout
    assert run("none.yaml").returncode == 1


def test_a_map_beside_its_roster_gets_the_findings_of_the_linter(run: Run, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(
        "map: m\nversion: 1\nname: M\nskills: [{id: calm, name: Calm, roles: {agnt: 1}}]\n"
        "events: [{id: e, match: {kind: qa-result}, evidence: {skill: calm, channel: job}}]\n"
        "reinforcement:\n  - {id: r, when: {stage: unapplied}, action: nudge, title: T, body: B, adapters: slak}\n",
        "utf-8",
    )
    (tmp_path / "roster.yaml").write_text("roster: r\npeople: [{id: e-1, role: agent}]\n", "utf-8")

    def codes(found: dict[str, Any]) -> list[str]:
        return sorted(one["code"] for one in found["findings"])

    lint = [str(PROGRAM), "program", "lint", "map.yaml", "--roster", "roster.yaml", "--json"]
    linted = json.loads(
        subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    )
    for order in (
        ["map.yaml", "roster.yaml"],
        ["roster.yaml", "map.yaml"],
        ["map.yaml", "--roster", "roster.yaml"],
    ):
        files = json.loads(run(*order, "--json").stdout)["files"]
        (found,) = [file for file in files if file["kind"] == "program"]
        assert codes(found) == codes(linted)
        assert {"unknown-role", "unknown-adapter", "no-goal"} <= set(codes(found))
    (alone,) = json.loads(run("map.yaml", "--json").stdout)["files"]
    assert "unknown-role" not in codes(alone)


def test_warnings_are_errors_only_when_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(
        "map: m\nversion: 1\nname: M\nskills: [{id: a-skill, name: A}, {id: b-skill, name: B}]\n"
        "activities:\n  - {id: act, name: A, match: {activity: 'https://a.example/1'}, "
        "evidence: [{skill: a-skill, channel: exposure}]}\n",
        "utf-8",
    )
    done = run("map.yaml")
    assert done.returncode == 0, done.stdout
    assert "warning" in done.stdout
    assert run("map.yaml", "--strict").returncode == 1
