"""Actors whom the roster does not know: kept, counted and shown to who keeps the roster, and published to nobody."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from prometheus_client import generate_latest

from carrythrough.cli.checks.content import check_state
from carrythrough.embedded.runtime import Embedded
from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange
from carrythrough.identity.person import Person
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
policy: {minimum_outcomes: 2, minimum_effective: 1}
"""  # noqa: E501
BO, CY = Person(id="e-2", email="bo@x.example"), Person(id="e-3", email="cy@x.example")


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    (tmp_path / "map.yaml").write_text(MAP)
    return Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml"))


@pytest.fixture
def running(place: Settings) -> Iterator[Embedded]:
    embedded = Embedded(place)
    embedded.start(deliver=False)
    yield embedded
    embedded.stop()


def say(running: Embedded, who: str, *numbers: int) -> None:
    for number in numbers:
        body = {
            "id": str(uuid.UUID(int=number)),
            "actor": {"mbox": f"mailto:{who}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{number}"},
            "result": {"score": {"scaled": number % 5 / 4}},
        }
        asyncio.run(running.submit_statements(admit(json.dumps(body).encode(), Limits(), "1.0.3"), "lms"))
    assert running.caught_up()


def change(running: Embedded, *changes: RosterChange) -> None:
    asyncio.run(running.submit_roster_changes(changes, "hr"))
    assert running.caught_up()


def scores(running: Embedded) -> dict[str, Any]:
    page = running.queries.list_scores(running.clock.now_ms())
    return {one["subject"]: (one["score"], one["outcomes"]) for one in page["scores"]}


def effects(running: Embedded, after: int) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in running.queries.effects_after(after, 1_000)]


def subject_of(running: Embedded, who: str) -> str:
    return running.fold.in_force.directory.subject_of_name(f"mbox:mailto:{who}@x.example")


def test_without_a_roster_everybody_is_scored_and_the_first_person_on_it_ends_that(running: Embedded) -> None:
    say(running, "bo", 1, 2, 3)
    say(running, "cy", 4, 5, 6)
    before = scores(running)
    assert len(before) == 2
    mark = running.queries.last_seq()
    cy = subject_of(running, "cy")
    change(running, PutPerson(BO))
    known = scores(running)
    assert list(known) == [subject_of(running, "bo")]
    assert ("retracted", cy) in effects(running, mark)
    change(running, RemovePerson("e-2"))
    assert scores(running) == before, (
        "nobody is on the roster, so everybody is scored under a pseudonym again"
    )
    data = Path(running.settings.data_dir)
    assert compare(offline_fold(data), stored_state(data)) == []


def test_a_stranger_is_kept_aside_until_known(running: Embedded) -> None:
    change(running, PutPerson(BO))
    mark = running.queries.last_seq()
    say(running, "cy", 1, 2, 3)
    cy = subject_of(running, "cy")
    assert effects(running, mark) == []
    assert scores(running) == {}
    now_ms = running.clock.now_ms()
    assert running.queries.employee_scores(cy, now_ms)["skills"] == []
    assert running.queries.employee_scores(cy, now_ms)["overall"] is None
    explained = running.queries.explanation(cy, "calm", now_ms)
    assert explained is not None
    assert (explained["outcomes"], explained["evidence"]) == (0, [])
    performance = json.loads(running.enriching.page(0, 10).events[0][1])["data"]["skills"][0]["performance"]
    assert (performance["score"], performance["outcomes"]) == (None, 0)
    summary = running.queries.summary()
    assert (summary["employees"], summary["roster"], summary["unknown"]) == (0, 1, 1)
    assert "carrythrough_unknown_actors 1.0" in generate_latest(running.telemetry.registry).decode()
    assert [(one["subject"], one["evidence"]) for one in running.unknown.listed()["unknown"]] == [(cy, 3)]
    told = {result.name: result for result in check_state(Path(running.settings.data_dir))}
    assert told["unknown actors"].status == "warning"
    assert "the roster does not know 1 actor with evidence" in told["unknown actors"].detail
    change(running, PutPerson(CY))
    known = subject_of(running, "cy")
    assert known != cy
    assert scores(running) == {known: (scores(running)[known][0], 3)}
    assert scores(running)[known][0] is not None
    assert {kind for kind, _ in effects(running, mark)} == {"score", "stage"}, (
        "nothing is decided because of it"
    )
    assert running.queries.summary()["unknown"] == 0


def test_who_is_removed_has_no_score_and_is_sent_nothing(running: Embedded) -> None:
    change(running, PutPerson(BO), PutPerson(CY))
    say(running, "cy", 1, 2, 3)
    cy, mark = subject_of(running, "cy"), running.queries.last_seq()
    assert list(scores(running)) == [cy]
    action = pending(cy)
    assert running._kill_switch(action, "file") is None
    change(running, RemovePerson("e-3"))
    assert scores(running) == {}
    assert effects(running, mark) == [("retracted", cy)]
    assert running._kill_switch(action, "file") == "the person is not on the roster"
    say(running, "cy", 4, 5)
    assert len(effects(running, mark)) == 1
    change(running, PutPerson(CY))
    assert scores(running)[cy][1] == 5, "what came meanwhile counts too"
    data = Path(running.settings.data_dir)
    assert compare(offline_fold(data), stored_state(data)) == []


def test_a_folder_of_the_time_before_takes_back_what_it_published(running: Embedded, place: Settings) -> None:
    say(running, "bo", 1, 2, 3)
    say(running, "cy", 4, 5, 6)
    cy = subject_of(running, "cy")
    was = [one for one in running.queries.effects_after(0, 100) if one.subject == cy]
    state = apsw.Connection(str(Path(place.data_dir) / "state.sqlite"))
    columns = "employee, skill, stage, score, state"
    text = f"SELECT {columns} FROM pair WHERE employee=(SELECT id FROM employee WHERE subject=?)"
    rows = list(state.execute(text, (cy,)))
    change(running, PutPerson(BO))
    running.stop()
    for row in rows:  # as earlier versions left it: published, though a roster was in force
        state.execute(f"INSERT OR REPLACE INTO pair({columns}) VALUES (?,?,?,?,?)", row)
    state.execute("UPDATE meta SET value=1 WHERE name='identities'")
    state.execute("DELETE FROM effect WHERE kind='retracted'")
    state.close()
    again = Embedded(place)
    again.start(deliver=False)
    try:
        told = [one.kind for one in again.queries.effects_after(0, 100) if one.subject == cy]
        assert told == [*(one.kind for one in was), "retracted"]
        assert list(scores(again)) == [subject_of(again, "bo")]
    finally:
        again.stop()


def pending(subject: str) -> ActionRequested:
    return ActionRequested(
        id="a", subject=subject, recipient=subject, to="employee", skill="calm", skill_name="Calm",
        action="nudge", rule="r", stage="fading", score=0.5, as_of_ms=0, expires_ms=1 << 50,
        title="t", body="b", link="", why="w",
    )  # fmt: skip
