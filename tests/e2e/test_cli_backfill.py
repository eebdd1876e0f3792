"""Years of history brought in: what the report says, a kill -9 on the way, and that nothing but news is acted on.

The real command runs as a process; after the kill the folder is held against one that was filled without a break,
bit for bit, and the timers and the deliveries are those of a real server on the folder.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.settings import Settings, load_settings
from carrythrough.testing.offline import stored_state
from carrythrough.xapi.admission import Limits, admit

PROGRAM = Path(sys.executable).with_name("carrythrough")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm, kpis: [k], opportunity_days: 3}, {id: fix, name: Fix, kpis: [k], opportunity_days: 3}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: sim, name: Sim, match: {activity_prefix: "https://x.example/s/"}, evidence: [{skill: calm, channel: practice, outcome: score}, {skill: fix, channel: practice, outcome: score}]}
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: B, link: "https://x.example/n", adapters: [file]}
  - {id: again, when: {stage: fading}, action: spaced-review, title: Again, body: B, link: "https://x.example/r", adapters: [file]}
  - {id: learn, when: {stage: not-yet-learnt}, action: nudge, title: Learn, body: B, link: "https://x.example/l", adapters: [file]}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: [], per_day: 10, per_week: 50, cooldown_h: 0}
"""  # noqa: E501
ROSTER = "people: [{id: e-1, email: ann@x.example}, {id: e-2, email: bo@x.example}]\n"
CONFIG = """
data_dir = "data"
[adapters.file]
adapter = "file"
path = "sent.jsonl"
"""
YEAR_S = 365 * 86_400
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    (tmp_path / "carrythrough.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(PROGRAM), *map(str, arguments)]
        return subprocess.run(
            command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False, timeout=100
        )

    return call


def stamp(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def answer(
    number: int, seconds: float, who: str = "ann", kind: str = "q", scaled: float = 0.9
) -> dict[str, Any]:
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "actor": {"mbox": f"mailto:{who}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/{kind}/{number % 50}"},
        "result": {"score": {"scaled": scaled}},
        "timestamp": stamp(seconds),
    }


def three_years(count: int) -> list[dict[str, Any]]:
    """Return statements from three years ago until a week ago, oldest first."""
    now_s = time.time()
    first, last = now_s - 3 * YEAR_S, now_s - 7 * 86_400
    return [
        answer(n + 1, first + (last - first) * n / count, ("ann", "bo")[n % 2], "qs"[n % 3 == 0])
        for n in range(count)
    ]


def write(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_report_says_what_became_of_everything(run: Run, folder: Path) -> None:
    old = three_years(60)
    void = {
        **answer(900, time.time() - 86_400 * 30),
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": old[3]["id"]},
    }
    group = {
        **answer(901, time.time() - 86_400),
        "actor": {"objectType": "Group", "member": [old[0]["actor"]]},
    }
    other = {**answer(902, time.time() - 86_400), "object": {"id": "https://elsewhere.example/1"}}
    write(folder / "old.jsonl", [*old, old[0], void, group, other, {"actor": "nobody"}])
    events = [
        {
            "id": "1",
            "source": "crm",
            "kind": "qa-result",
            "employee": "e-1",
            "time": stamp(time.time() - 2 * 86_400),
            "outcome": {"met": True},
        },
        {
            "id": "2",
            "source": "crm",
            "kind": "kpi-reading",
            "employee": "e-1",
            "kpi": "gone",
            "time": stamp(time.time() - 2 * 86_400),
            "outcome": {"value": 3},
        },
    ]
    write(folder / "jobs.jsonl", events)
    first = (
        "old.jsonl",
        "jobs.jsonl",
        "--data-dir",
        "data",
        "--program",
        "map.yaml",
        "--roster",
        "roster.yaml",
    )
    done = run("ingest", *first, "--report", "report.json", "--json")
    assert done.returncode == 1, done.stderr  # one record was refused
    report = json.loads((folder / "report.json").read_text())
    assert report == json.loads(done.stdout)
    assert (report["records"], report["accepted"], report["known"]) == (67, 65, 1)
    assert list(report["quarantined"].values()) == [1]
    assert report["span"]["from"] == old[0]["timestamp"]
    folded = report["folded"]
    assert folded["unmatched_by"] == {"voids-another": 1, "nobody": 1, "no-activity": 1, "unknown-kpi": 1}
    assert folded["unmatched"] == 4
    practised = sum(one["object"]["id"].startswith("https://x.example/s/") for one in old)
    assert folded["evidence"] == 60 + practised + 1, "a simulation is evidence of two skills; one job result"
    assert folded["history"] == folded["evidence"] - 1, "only the job result of two days ago is news"
    assert folded["people_new"] == folded["employees"] == 2
    assert {entry["skill"]: entry["people"] for entry in folded["skills"]} == {"calm": 2, "fix": 2}
    assert folded["scores_new"] == folded["scores"] == sum(entry["scores"] for entry in folded["skills"]) > 0
    printed = run("ingest", *first).stdout
    assert "1  took another statement back" not in printed, "the second time nothing is new"
    assert re.search(r"already known +66", printed)


def test_an_unwritable_report_is_told_before_anything_comes_in(run: Run, folder: Path) -> None:
    write(folder / "old.jsonl", three_years(3))
    done = run(
        "ingest", "old.jsonl", "--data-dir", "data", "--program", "map.yaml", "--report", "no/such/r.json"
    )
    assert done.returncode == 1
    assert "report-unwritable" in done.stderr
    assert not (folder / "data").exists()


def test_after_a_kill_the_same_command_ends_with_the_same_state(run: Run, folder: Path) -> None:
    many = three_years(9_000)
    write(folder / "many.jsonl", many)
    maps = ("--program", "map.yaml", "--roster", "roster.yaml")
    write(folder / "one.jsonl", many[:1])
    assert run("ingest", "one.jsonl", "--data-dir", "data", *maps).returncode == 0
    shutil.copytree(folder / "data", folder / "whole", ignore=shutil.ignore_patterns("lock"))
    command = [str(PROGRAM), "ingest", "many.jsonl", "--data-dir", "data", *maps]
    kills = 0
    for size in (1 << 20, 1 << 20):
        process = subprocess.Popen(
            command, cwd=folder, env=CLEAN, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        began = sizes(folder / "data")
        while process.poll() is None and sizes(folder / "data") < began + size:
            time.sleep(0.002)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills, "the import was under way when it was killed"
    again = run("ingest", "many.jsonl", "--data-dir", "data", *maps, "--report", "report.json")
    whole = run("ingest", "many.jsonl", "--data-dir", "whole", *maps)
    assert (again.returncode, whole.returncode) == (0, 0), again.stderr + whole.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["records"] == len(many)
    assert report["known"] > 0
    assert report["accepted"] + report["known"] == len(many)
    left, right = stored_state(folder / "data"), stored_state(folder / "whole")
    assert left.evidence_bytes() == right.evidence_bytes()
    assert {key[3] for key in left.rows} == {key[3] for key in right.rows}
    assert len(left.rows) == len(right.rows)


def test_years_send_nothing_and_then_new_answers_do(run: Run, folder: Path) -> None:
    write(folder / "old.jsonl", three_years(600))
    maps = ("--program", "map.yaml", "--roster", "roster.yaml")
    done = run("ingest", "old.jsonl", "--config", "carrythrough.toml", *maps, "--report", "report.json")
    assert done.returncode == 0, done.stderr
    folded = json.loads((folder / "report.json").read_text())["folded"]
    assert folded["scores"] > 0
    assert (folded["actions_requested"], folded["actions_waiting"], folded["decisions"]) == (0, 0, 0)
    assert "decided nothing" in done.stdout

    settings: Settings = load_settings(folder / "carrythrough.toml", data_dir=str(folder / "data"))
    clock = Ahead()
    adapters = {"file": {"adapter": "file", "path": str(folder / "sent.jsonl")}}
    runtime = Embedded(Settings(data_dir=settings.data_dir, adapters=adapters), clock)
    runtime.start()
    try:
        for _ in range(24):  # a day of ticks, an hour apart: refreshes of sibling skills fall due in it
            clock.ahead_ms += 3_600_000 - 60_000
            runtime.tick()
            assert runtime.caught_up()
        assert runtime.queries.actions()["actions"] == []
        fresh = [answer(5_000 + n, clock.now_ms() / 1000 - 60, "ann", "q", 0.1) for n in range(12)]
        admitted = admit(json.dumps(fresh).encode(), Limits(), "1.0.3")
        asyncio.run(runtime.submit_statements(admitted, "lms"))
        assert runtime.caught_up()
        deadline = time.monotonic() + 10
        while not runtime.queries.actions(status="delivered")["actions"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (folder / "sent.jsonl").read_text().count("\n") >= 1
    finally:
        runtime.stop()


class Ahead:
    """The clock of this machine, ahead by what a test says."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms


def sizes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("log.sqlite*"))
