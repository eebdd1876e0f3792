"""Closing baselines on a real data folder: a record in the log, used from there on, and never looking ahead."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.events.performance import admit_events
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, reliability: 0.5}, {id: t, name: T, grain: team}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
events: [{id: readings, match: {kind: kpi-reading}, evidence: [{skill: calm, channel: job}]}]
"""
PEOPLE = 24
UNTIL_MS = 1_746_057_600_000  # 2025-05-01


def roster() -> str:
    people = [
        {"id": f"e-{n}", "name": f"P {n}", "role": "agent", "site": "north", "team": "a"}
        for n in range(PEOPLE)
    ]
    return json.dumps({"people": people})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "roster.json").write_text(roster())
    return tmp_path


def opened(folder: Path) -> Embedded:
    runtime = Embedded(
        Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.json"),
        )
    )
    runtime.start(deliver=False)
    return runtime


def command(*arguments: str) -> tuple[int, str]:
    """Run the command line as a process; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "carrythrough.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def send(runtime: Embedded, month: int, lift: float) -> None:
    rng = random.Random(month)
    events = [
        {
            "id": f"{month}/{n}",
            "source": "bi",
            "kind": "kpi-reading",
            "employee": f"e-{n}",
            "kpi": kpi,
            "time": f"2025-{month:02}-15T00:00:00Z",
            "outcome": {"value": 50 + n / 4 + rng.gauss(0, 1) + lift},
        }
        for n in range(PEOPLE)
        for kpi in ("k",)
    ]
    events.append(events[0] | {"id": f"{month}/team", "kpi": "t", "outcome": {"value": 9_999.0}})
    asyncio.run(runtime.submit_events(admit_events(json.dumps(events).encode(), "application/json"), "bi"))
    assert runtime.caught_up()


def test_readings_count_by_rank_from_the_close_on(folder: Path) -> None:
    runtime = opened(folder)
    with pytest.raises(PermanentError) as caught:
        runtime.close_baselines(["k"], UNTIL_MS, "t")
    assert caught.value.problem.code == "baseline-empty"
    for month in range(1, 7):
        send(runtime, month, 0.0)
    now = runtime.clock.now_ms()
    subject = runtime.queries.subject("e-3")
    assert subject is not None
    before = runtime.queries.explanation(subject, "calm", now)
    assert before is not None
    assert [entry["outcome"] for entry in before["evidence"]] == [None] * 6
    made = runtime.close_baselines(["k", "t"], UNTIL_MS, "t")
    assert runtime.caught_up()
    baseline = made.kpis["k"]
    assert (baseline.first, baseline.last, baseline.readings) == ("2025-01", "2025-04", 4 * PEOPLE)
    assert set(made.kpis) == {"k"}  # a team's number is nobody's reading
    send(runtime, 7, 10.0)
    after = runtime.queries.explanation(subject, "calm", now)
    assert after is not None
    [stood] = after["baselines"]
    assert stood["by_rank"]
    assert stood["own"]["readings"] == 4
    assert stood["peers"]["people"] == PEOPLE
    assert "a fallback" in stood["text"]
    newest = after["evidence"][0]
    assert newest["by_rank"]
    assert newest["outcome"] > 0.9
    assert [entry["outcome"] for entry in after["evidence"][1:]] == [None] * 6  # stamped once
    runtime.stop()
    assert compare(offline_fold(folder / "data"), stored_state(folder / "data")) == []
    code, text = command("baseline", "show", "--data-dir", str(folder / "data"))
    assert code == 0
    assert "north" in text
    again = opened(folder)
    assert again.fold.in_force.baselines == made
    again.stop()


def test_the_window_of_the_map_says_which_readings_count(folder: Path) -> None:
    window = "reliability: 0.5, baseline: {from: 2025-02-01, to: 2025-03-31}, split_by: site"
    (folder / "map.yaml").write_text(MAP.replace("reliability: 0.5", window))
    runtime = opened(folder)
    for month in range(1, 7):
        send(runtime, month, 0.0)
    baseline = runtime.close_baselines(["k"], runtime.clock.now_ms(), "t").kpis["k"]
    assert (baseline.first, baseline.last, baseline.readings) == ("2025-02", "2025-03", 2 * PEOPLE)
    assert {(cell.role, cell.site) for cell in baseline.cells} == {("", "north"), ("", "")}
    runtime.stop()


def test_the_command_closes_and_refuses(folder: Path) -> None:
    runtime = opened(folder)
    for month in range(1, 5):
        send(runtime, month, 0.0)
    runtime.stop()
    data = ["--data-dir", str(folder / "data")]
    code, text = command("baseline", "show", *data)
    assert code == 0
    assert "No baseline is closed" in text
    assert command("baseline", "close", "nothing", *data)[0] == 2
    code, text = command("baseline", "close", "k", "--until", "2025-03-31", "--json", *data)
    assert code == 0
    found = json.loads(text)
    assert found["kpis"]["k"]["last"] == "2025-03"
    assert found["kpis"]["k"]["cells"][-1]["people"] == PEOPLE
