"""Proves on a real data folder that an event which no map understands yet waits, and counts once when a map does."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}, {id: t, name: T, grain: team}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
events: [{id: readings, match: {kind: [kpi-reading, qa-result]}, evidence: [{skill: calm, channel: job}]}]
policy: {minimum_group: 3}
"""
WIDER = MAP.replace("version: 1", "version: 2").replace(
    "{id: k, name: K, target: 10}", "{id: k, name: K, target: 10}, {id: csat, name: C, target: 5}"
)
FIRST = {"source": "bi", "employee": "e-1", "time": "2025-03-15T00:00:00Z"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Embedded]]:
    running: list[Embedded] = []
    people = [{"id": f"e-{n}", "team": "north"} for n in range(4)] + [{"id": "x", "team": "tiny"}]
    (tmp_path / "roster.json").write_text(json.dumps({"people": people}))

    def started(program: str) -> Embedded:
        for each in running:
            each.stop()
        running.clear()
        (tmp_path / "map.yaml").write_text(program)
        settings = Settings(
            data_dir=str(tmp_path / "data"),
            program=str(tmp_path / "map.yaml"),
            roster=str(tmp_path / "roster.json"),
        )
        runtime = Embedded(settings)
        running.append(runtime)
        runtime.start(deliver=False)
        return runtime

    yield started
    for each in running:
        each.stop()


def send(runtime: Embedded, *events: dict[str, Any]) -> None:
    admitted = admit_events(json.dumps([FIRST | event for event in events]).encode(), "application/json")
    asyncio.run(runtime.submit_events(admitted, "bi"))
    assert runtime.caught_up()


def outcomes(runtime: Embedded) -> int:
    subject = runtime.queries.subject("e-1")
    assert subject is not None
    skills = runtime.queries.employee_scores(subject, 1_800_000_000_000)["skills"]
    return sum(skill["outcomes"] for skill in skills)


READING = {"id": "1", "kind": "kpi-reading", "kpi": "csat", "outcome": {"value": 7}}


def test_a_reading_of_an_unknown_kpi_counts_when_a_map_has_the_kpi(
    start: Callable[[str], Embedded], tmp_path: Path
) -> None:
    runtime = start(MAP)
    send(runtime, READING, READING | {"id": "2"}, READING | {"id": "3", "kpi": "k"})
    assert outcomes(runtime) == 1
    assert runtime.noted.waiting() == {"kpi:csat": 2}
    assert runtime.noted.release() == 0
    runtime = start(WIDER)
    send(runtime, {"id": "9", "kind": "retraction", "retracts": "2"})
    assert runtime.noted.release() == 2
    assert runtime.noted.release() == 0
    assert runtime.caught_up()
    assert outcomes(runtime) == 2  # the one that was retracted meanwhile counts no more than before
    assert runtime.noted.waiting() == {}
    send(runtime, READING)
    assert outcomes(runtime) == 2
    runtime = start(WIDER)
    assert runtime.noted.release() == 0
    kinds = [row.kind for row in runtime.log.reader().all()]
    assert kinds.count(Kind.EVENT_AGAIN) == 2
    runtime.stop()
    data = tmp_path / "data"
    assert compare(offline_fold(data), stored_state(data)) == []


def test_an_unknown_skill_waits_too_and_a_label_does_not(start: Callable[[str], Embedded]) -> None:
    runtime = start(MAP)
    met = {"kind": "qa-result", "outcome": {"met": True}}
    send(runtime, met | {"id": "1", "skill": "brave"}, met | {"id": "2", "kpi": "whatever"})
    assert runtime.noted.waiting() == {"skill:brave": 1}
    assert outcomes(runtime) == 1


def test_senders_are_told(start: Callable[[str], Embedded]) -> None:
    runtime = start(MAP)
    assert runtime.caught_up()
    events = [
        FIRST | READING | {"skill": "calme"},
        FIRST | {"id": "2", "kind": "opportunity", "skill": "calm"},
        FIRST
        | {
            "id": "3",
            "kind": "opportunity",
            "skill": "calm",
            "employee": "nobody",
            "time": "2099-01-01T00:00:00Z",
        },
        FIRST | {"id": "4", "kind": "task-outcome", "outcome": {"met": True}},
        FIRST | READING | {"id": "5", "kpi": "t"},
        FIRST | {"id": "6", "kind": "retraction", "retracts": "1", "employee": ""},
        FIRST | READING | {"id": "7", "kpi": "k"},
    ]
    remarks = runtime.remarks.of(admit_events(json.dumps(events).encode(), "application/json"))
    assert [remark.where for remark in remarks] == [
        "/0/skill",
        "/2/time",
        "/2/employee",
        "/3/skill",
        "/4/grain",
    ]
    assert remarks[0].fix == 'did you mean "calm"?'
    assert "evidence of nothing" in remarks[3].detail
    assert "whole teams" in remarks[4].detail


def test_an_unknown_employee_counts_and_is_the_person_once_known(
    start: Callable[[str], Embedded], tmp_path: Path
) -> None:
    runtime = start(MAP)
    send(runtime, {"id": "1", "kind": "qa-result", "employee": "new", "outcome": {"met": True}})
    people = [{"id": "new", "name": "New"}]
    (tmp_path / "roster.json").write_text(json.dumps({"people": people}))
    runtime = start(MAP)
    assert runtime.caught_up()
    subject = runtime.queries.subject("new")
    assert subject is not None
    [skill] = runtime.queries.employee_scores(subject, 1_800_000_000_000)["skills"]
    assert skill["outcomes"] == 1


def test_a_time_in_the_far_future_is_clamped_and_pushes_nothing_out(start: Callable[[str], Embedded]) -> None:
    runtime = start(MAP)
    good = {"kind": "qa-result", "outcome": {"met": True}}
    send(runtime, good | {"id": "1"}, good | {"id": "2", "time": "9999-12-31T00:00:00Z"})
    assert outcomes(runtime) == 2


def test_readings_of_teams_are_kept_for_the_team_and_for_nobody_else(
    start: Callable[[str], Embedded],
) -> None:
    runtime = start(MAP)
    team = {"kind": "kpi-reading", "kpi": "t", "grain": "team"}
    whole = {name: value for name, value in FIRST.items() if name != "employee"}
    events = [
        whole | team | {"id": "1", "team": "north", "outcome": {"value": 4}},
        whole | team | {"id": "2", "team": "north", "outcome": {"value": 5}, "corrects": "1"},
        FIRST | team | {"id": "3", "outcome": {"value": 6}},
        whole | team | {"id": "4", "team": "tiny", "outcome": {"value": 7}},
        whole | team | {"id": "5", "team": "east", "outcome": {"value": 8}},
    ]
    asyncio.run(runtime.submit_events(admit_events(json.dumps(events).encode(), "application/json"), "bi"))
    assert runtime.caught_up()
    assert runtime.queries.subject("e-1") is not None
    assert outcomes(runtime) == 0
    found = runtime.noted.team_answer("", "", 10)
    assert sorted((one["team"], one["value"]) for one in found) == [
        ("east", 8.0),
        ("north", 5.0),
        ("north", 6.0),
    ]
    assert [one["value"] for one in runtime.noted.team_answer("east", "t", 10)] == [8.0]


def test_corrections_on_disk_are_those_of_the_pure_fold(
    start: Callable[[str], Embedded], tmp_path: Path
) -> None:
    runtime = start(MAP)
    rng = random.Random(7)
    events = []
    for number in range(300):
        one: dict[str, Any] = {"id": str(number), "kind": "qa-result", "outcome": {"score": rng.random()}}
        one |= {"employee": f"e-{rng.randrange(3)}", "time": f"2025-03-{1 + rng.randrange(28):02}T00:00:00Z"}
        target = str(rng.randrange(300))
        if target != one["id"] and rng.random() < 0.4:
            one |= {"corrects": target, "revision": rng.randrange(3)}
        elif target != one["id"] and rng.random() < 0.15:
            one = {"id": str(number), "kind": "retraction", "retracts": target}
        events.append(one)
    rng.shuffle(events)
    for begin in range(0, 300, 37):
        send(runtime, *events[begin : begin + 37])
        send(runtime, *events[max(0, begin - 5) : begin + 5])  # again, over the edges of what was sent
    runtime.stop()
    data = tmp_path / "data"
    assert compare(offline_fold(data), stored_state(data)) == []
