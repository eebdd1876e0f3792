"""The commands about people on a real data folder: contest and restore, groups, reviews, and what they refuse."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score, item: activity}]}
"""  # noqa: E501
ROSTER = {
    "people": [
        {"id": f"e-{n}", "name": f"P {n}", "email": f"p{n}@x.example", "team": "a" if n < 9 else "b"}
        for n in range(12)
    ]
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("people")
    (folder / "map.yaml").write_text(MAP)
    (folder / "roster.json").write_text(json.dumps(ROSTER))
    runtime = Embedded(
        Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.json"),
        )
    )
    runtime.start(deliver=False)
    statements = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{person}/{n}")),
            "actor": {"mbox": f"mailto:p{person}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{n % 4}"},
            "result": {"score": {"scaled": (n + person) % 3 / 2}},
        }
        for person in range(12)
        for n in range(8)
    ]
    admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
    asyncio.run(runtime.submit_statements(admitted, "lms"))
    assert runtime.caught_up()
    runtime.stop()
    return str(folder / "data")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "carrythrough.cli.main", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def told(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_evidence_is_set_aside_and_restored_and_both_are_listed(data: str) -> None:
    explain = ("explain", "e-3", "--data-dir", data)
    before = told(*explain)
    piece = before["evidence"][0]
    aside = told("contest", "set-aside", "e-3", piece["evidence"], "--reason", "not me", "--data-dir", data)
    assert aside["evidence"] == [piece["evidence"]]
    during = told(*explain)
    assert during["outcomes"] == before["outcomes"] - 1
    assert piece["evidence"] not in [entry["evidence"] for entry in during["evidence"]]
    # A bare id of the statement, as senders know it, names the same.
    source = str(uuid.UUID(piece["source"]))
    told("contest", "restore", "e-3", source, "--reason", "it was me", "--data-dir", data)
    assert told(*explain)["outcomes"] == before["outcomes"]
    listed = told("contest", "list", "--employee", "e-3", "--data-dir", data)["contests"]
    assert [(entry["restore"], entry["reason"]) for entry in listed] == [
        (True, "it was me"),
        (False, "not me"),
    ]
    text = run("contest", "list", "--data-dir", data).stdout
    assert "not me" in text
    assert piece["evidence"] in text


def test_a_contest_without_reason_or_with_unknown_evidence_is_refused(data: str) -> None:
    assert run("contest", "set-aside", "e-3", "x", "--data-dir", data).returncode == 2
    done = run("contest", "set-aside", "e-3", str(uuid.uuid4()), "--reason", "r", "--data-dir", data)
    assert done.returncode == 1
    assert "evidence-unknown" in done.stderr
    done = run("contest", "set-aside", "e-99", str(uuid.uuid4()), "--reason", "r", "--data-dir", data)
    assert "employee-unknown" in done.stderr


def test_small_teams_are_hidden_with_a_sibling(data: str) -> None:
    found = told("groups", "--data-dir", data)
    assert found["program"]["overall"]["people"] == 12
    # Team b has three people; with team a shown they could be worked out from the whole.
    assert {group["group"]: group["overall"]["hidden"] for group in found["groups"]} == {
        "a": "sibling",
        "b": "small",
    }
    assert "would give a small group away" in run("groups", "--data-dir", data).stdout


def test_items_are_listed_by_when_they_are_due(data: str) -> None:
    [part] = told("reviews", "e-3", "--data-dir", data)["skills"]
    assert part["items"] == 4
    due = [entry["due"] for entry in part["schedules"]]
    assert due == sorted(due)
    assert run("reviews", "e-3", "--skill", "none", "--data-dir", data).stdout.startswith("No questions")


def test_the_past_can_be_asked_for_in_both_ways(data: str) -> None:
    assert (
        run("explain", "e-3", "--as-known-at", "2001-01-01", "--skill", "calm", "--data-dir", data).returncode
        == 1
    )
    found = told("explain", "e-3", "--at", "2001-01-01", "--skill", "calm", "--data-dir", data)
    assert found["score"] is None
    assert found["evidence"] == []
