"""Explanations across merges: today they name all evidence of a person; of a time before, what was theirs then.

An installation on a clock that the test moves. After every change of the roster and every few statements each
explanation is written down as it is shown; at the end, asking for what was known at each of those times gives
it again, whatever was merged, split or moved to somebody else since.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange
from carrythrough.identity.person import Identifier, Person
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

DAY = 86_400_000
START = 1_760_000_000_000
CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
  - {id: unit, name: Unit, match: {activity_prefix: "https://x.example/u/"}, evidence: [{skill: calm, channel: practice, outcome: success}]}
policy: {minimum_outcomes: 1, minimum_effective: 0.5}
"""  # noqa: E501


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Installation:
    """An embedded server on a clock of ours, and what it showed when."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        self.clock = HandClock()
        settings = Settings(data_dir=str(folder / "data"), program=str(folder / "map.yaml"))
        self.runtime = Embedded(settings, self.clock)
        self.runtime.start(deliver=False)
        self.number = 0
        self.shown: list[tuple[int, str, str]] = []
        self.subjects: set[str] = set()

    def say(self, who: str, scaled: float, *, unit: bool = False) -> str:
        self.number += 1
        body: dict[str, Any] = {
            "id": str(uuid.UUID(int=self.number)),
            "actor": {"mbox": f"mailto:{who}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{self.number}"},
            "result": {"score": {"scaled": scaled}},
        }
        if unit:
            body["verb"] = {"id": "http://adlnet.gov/expapi/verbs/passed"}
            body["object"] = {"id": "https://x.example/u/1"}
            body["result"] = {"success": True}
            category = {"category": [{"id": CMI5}]}
            body["context"] = {"registration": str(uuid.UUID(int=9)), "contextActivities": category}
        admitted = admit(json.dumps(body).encode(), Limits(), "1.0.3")
        asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        return str(body["id"])

    def change(self, *changes: RosterChange) -> None:
        asyncio.run(self.runtime.submit_roster_changes(changes, "hr"))

    def write_down(self) -> None:
        """Note what is shown of everybody now, and let some time pass."""
        assert self.runtime.caught_up()
        scores = self.runtime.queries.list_scores(self.clock.ms)["scores"]
        self.subjects |= {entry["subject"] for entry in scores}
        for subject in sorted(self.subjects):
            self.shown.append((self.clock.ms, subject, self.explained(subject, None)))
        self.clock.ms += DAY

    def explained(self, subject: str, known_ms: int | None) -> str:
        found = self.runtime.queries.explanation(subject, "calm", self.clock.ms, known_ms=known_ms)
        assert found is not None
        kept = ("score", "low", "high", "stage", "evidence", "set_aside")
        return json.dumps({name: found[name] for name in kept if name in found}, sort_keys=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.runtime.stop()


def test_what_was_shown_before_a_merge_is_shown_again(house: Installation) -> None:
    first = house.say("ann", 0.9)
    house.say("ann", 0.8, unit=True)
    second = house.say("ann.old", 0.2)
    house.say("ann.old", 0.3, unit=True)
    house.write_down()
    house.change(PutPerson(Person(id="e-1", email="ann@x.example")))
    house.write_down()
    old = Identifier(mbox="mailto:ann.old@x.example")
    house.change(PutPerson(Person(id="e-1", email="ann@x.example", identifiers=(old,))))
    house.write_down()
    ann = house.runtime.roster().subject_of_employee("e-1")
    today = house.explained(ann, None)
    assert all(uuid.UUID(id_).hex in today for id_ in (first, second)), "evidence of both is named"
    house.say("bo", 0.5)
    house.change(PutPerson(Person(id="e-1", email="bo@x.example")))
    house.change(PutPerson(Person(id="e-2", email="ann@x.example")))
    house.write_down()
    house.change(RemovePerson("e-1"), RemovePerson("e-2"))
    house.write_down()
    assert len(house.subjects) == 5
    for shown_ms, subject, said in house.shown:
        assert house.explained(subject, shown_ms) == said


def test_what_was_contested_stays_contested_and_listed_through_a_merge(house: Installation) -> None:
    house.say("ann", 0.9)
    wrong = house.say("ann.old", 0.1)
    house.write_down()
    ann, old = (
        next(subject for subject in house.subjects if (uuid.UUID(id_).hex in house.explained(subject, None)))
        for id_ in (str(uuid.UUID(int=1)), wrong)
    )
    house.runtime.contests.contest(old, [wrong], by="steward", reason="not me", restore=False)
    house.write_down()
    before = house.explained(old, None)
    assert json.loads(before)["set_aside"][0]["reason"] == "contested"
    was = Identifier(mbox="mailto:ann.old@x.example")
    house.change(PutPerson(Person(id="e-1", email="ann@x.example", identifiers=(was,))))
    house.write_down()
    now = house.runtime.roster().subject_of_employee("e-1")
    assert now not in {ann, old}
    [aside] = json.loads(house.explained(now, None))["set_aside"]
    assert (aside["evidence"].split("/")[0], aside["reason"]) == (uuid.UUID(wrong).hex, "contested")
    for subject in (now, old):
        [listed] = house.runtime.contests.listed(subject=subject)["contests"]
        assert listed["reason"] == "not me"
    assert house.runtime.contests.listed(subject=ann)["contests"] == []
    house.runtime.contests.contest(now, [wrong], by="steward", reason="it was", restore=True)
    house.write_down()
    assert json.loads(house.explained(now, None))["set_aside"] == []
    for shown_ms, subject, said in house.shown:
        assert house.explained(subject, shown_ms) == said
