"""Proves that owners hear of modules with weak transfer, with the evidence, and once a week at most."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.background import FeedbackThread
from carrythrough.embedded.feedback import Messenger
from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

DAY = 86_400_000
START = 1_790_000_000_000
MAP = """
map: m
version: 1
name: M
owner: boss@x.example
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 1}]}]
skills: [{id: calm, name: Calm calls, kpis: [k], target: 0.75}]
activities:
  - {id: course, name: Calm course, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: success}]}
events:
  - {id: e, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}
policy: {holdout: 0.0, minimum_group: 8, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""  # noqa: E501
ROSTER = "people:\n  - {id: boss, email: Boss@x.example}\n" + "".join(
    f"  - {{id: e-{n}, email: p{n}@x.example}}\n" for n in range(10)
)


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Here:
    """An installation on a clock of ours, with people who passed a course and fail at work."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.clock = HandClock()
        settings = Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.yaml"),
        )
        self.runtime = Embedded(settings, self.clock)
        self.runtime.start(deliver=False)
        statements = [
            {
                "id": str(uuid.UUID(int=n + 1)),
                "actor": {"mbox": f"mailto:p{n}@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
                "object": {"id": "https://x.example/q/1"},
                "result": {"success": True},
                "timestamp": text(START - 20 * DAY),
            }
            for n in range(10)
        ]
        admitted = admit(json.dumps(statements).encode(), Limits(), "1.0.3")
        asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        events = [
            {
                "id": f"j-{n}",
                "source": "qa",
                "kind": "qa-result",
                "employee": f"e-{n % 10}",
                "time": text(START - 10 * DAY + n),
                "outcome": {"met": n % 5 == 0},
            }
            for n in range(100)
        ]
        body = json.dumps(events).encode()
        asyncio.run(self.runtime.submit_events(list(admit_events(body, "application/json")), "qa"))
        assert self.runtime.caught_up()
        self.messenger = Messenger(
            self.runtime.state, lambda: self.runtime.fold.in_force, lambda: ("console",), self.clock.now_ms
        )

    def messages(self) -> list[dict[str, Any]]:
        found = self.runtime.queries.actions()["actions"]
        return [action for action in found if action["rule"] == "program-feedback"]


def text(t_ms: int) -> str:
    return dt.datetime.fromtimestamp(t_ms / 1000, tz=dt.UTC).isoformat()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    installation = Here(tmp_path)
    yield installation
    installation.runtime.stop()


def test_the_owner_hears_of_it_once_a_week_with_the_evidence(here: Here) -> None:
    assert here.messenger.tell() == 1
    (message,) = here.messages()
    assert message["recipient"] == here.runtime.queries.subject("boss")
    assert message["title"] == "Weak transfer after Calm course"
    assert "of 10 people average 20 of 100" in message["body"]
    assert "below the target of 75" in message["body"]
    assert "In the module itself they reached 100." in message["body"]
    assert "p0@x.example" not in json.dumps(message)
    for days in (0, 1, 6.9):
        here.clock.ms = START + int(days * DAY)
        assert here.messenger.tell() == 0
    here.clock.ms = START + 7 * DAY + 1
    assert here.messenger.tell() == 1
    assert len(here.messages()) == 2


def test_a_server_looks_where_the_map_names_an_owner(here: Here) -> None:
    notified: list[int] = []
    thread = FeedbackThread(
        here.runtime.state,
        lambda: here.runtime.fold.in_force,
        ("console",),
        here.clock.now_ms,
        lambda: notified.append(1),
    )
    assert thread.look() == 1
    assert thread.look() == 0
    assert notified == [1]
    thread.start()
    thread.stop()


def test_an_owner_is_asked_nothing_about_themselves(here: Here) -> None:
    here.messenger.tell()
    (entry,) = here.runtime.outbox.due(START + DAY, 10)
    dressed = here.runtime.dispatcher.dress(entry.action, "console")
    assert dressed.answer_link == ""
    assert dressed.unsubscribe_link


def test_the_report_shows_it_and_whose_it_is(here: Here) -> None:
    (warning,) = here.runtime.queries.uplift.report(START)["warnings"]
    assert (warning["module"], warning["skill"], warning["owner"]) == ("course", "calm", "boss@x.example")
    assert warning["people"] == 10
    assert warning["words"].startswith("After “Calm course” the job outcomes for Calm calls of 10 people")


def test_nobody_is_told_who_is_not_on_the_roster(here: Here) -> None:
    map_ = here.runtime.fold.in_force.program.map
    assert map_.owner == "boss@x.example"
    assert here.runtime.fold.in_force.directory.person_of_id("boss") is not None
    nobody = Messenger(here.runtime.state, lambda: here.runtime.fold.in_force, lambda: (), here.clock.now_ms)
    assert nobody.tell() == 0  # no adapter to tell by
    assert here.messages() == []
