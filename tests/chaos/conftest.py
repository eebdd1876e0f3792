"""What the chaos tests share: a small program map and seeded traffic that moves scores."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import Any

import pytest

PROGRAM_MAP = """
map: chaos
version: 1
name: Service under fire
goals:
  - id: satisfaction
    name: Satisfied callers
    kpis: [{id: csat, name: Satisfaction, unit: share, target: 0.8, noise_sd: 0.1, reliability: 0.3}]
skills:
  - {id: listening, name: Listening, kpis: [csat], target: 0.75, opportunity_days: 3}
  - {id: de-escalation, name: De-escalation, kpis: [csat], target: 0.75, opportunity_days: 3}
  - {id: product, name: Product knowledge, kpis: [csat], target: 0.6}
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://lms.example/quiz/"}
    evidence: [{skill: listening, channel: learn, outcome: score, item: activity}]
  - id: simulation
    name: Call simulation
    match: {activity_prefix: "https://sim.example/call/"}
    evidence:
      - {skill: de-escalation, channel: practice, outcome: success}
      - {skill: listening, channel: practice, outcome: score}
  - id: video
    name: Product video
    match: {activity_prefix: "https://lms.example/video/"}
    evidence: [{skill: product, channel: exposure}]
events:
  - id: calls
    match: {kind: task-outcome}
    evidence: [{skill: de-escalation, channel: job}]
reinforcement:
  - id: review
    when: {stage: fading}
    action: spaced-review
    title: Look again
    body: It was a while ago.
    adapters: [file]
  - id: try-it
    when: {stage: unapplied}
    action: nudge
    title: Try it today
    body: You know how.
    adapters: [file]
policy: {per_day: 3, per_week: 20, cooldown_h: 1, quiet: {from: "00:00", to: "00:00"}, days_off: [],
         holdout: 0.1, minimum_outcomes: 2, minimum_effective: 1.0}
"""

VOIDED = "http://adlnet.gov/expapi/verbs/voided"


class Traffic:
    """Seeded statements and performance events about a fixed number of people.

    now_ms: time around which event times lie, most of them a little earlier, some much.
    """

    def __init__(self, seed: int, now_ms: int, people: int = 40) -> None:
        self.chance = random.Random(seed)
        self._now_ms = now_ms
        self._people = people
        self._events = 0

    def statement(self, *, with_id: bool = True) -> dict[str, Any]:
        """Return a quiz answer, a simulation result, a watched video or something unmapped."""
        chance = self.chance
        kind = chance.randrange(10)
        statement: dict[str, Any] = {
            "actor": {"mbox": f"mailto:person{chance.randrange(self._people)}@example.org"},
            "timestamp": self._time(),
        }
        if with_id:
            statement["id"] = self.uuid()
        verb, place, result = "experienced", f"https://elsewhere.example/{chance.randrange(9)}", None
        if kind < 4:
            verb, place = "answered", f"https://lms.example/quiz/{chance.randrange(30)}"
            result = {"score": {"scaled": chance.randrange(101) / 100}}
        elif kind < 7:
            verb, place = "passed", f"https://sim.example/call/{chance.randrange(5)}"
            result = {
                "success": chance.random() < 0.6,
                "score": {"raw": chance.randrange(11), "min": 0, "max": 10},
            }
            verb = "passed" if result["success"] else "failed"
        elif kind < 9:
            place = f"https://lms.example/video/{chance.randrange(5)}"
        statement["verb"] = {"id": f"http://adlnet.gov/expapi/verbs/{verb}"}
        statement["object"] = {"id": place}
        if result is not None:
            statement["result"] = result
        return statement

    def void(self, target: str) -> dict[str, Any]:
        """Return a statement that voids another."""
        return {
            "id": self.uuid(),
            "actor": {"mbox": "mailto:admin@example.org"},
            "verb": {"id": VOIDED},
            "object": {"objectType": "StatementRef", "id": target},
            "timestamp": self._time(),
        }

    def _needs(self) -> dict[str, Any]:
        chance = self.chance
        names = chance.sample(("listening", "de-escalation", "product"), chance.randint(1, 3))
        skills = [
            {"skill": name, "importance": chance.randint(1, 5), "expectation": chance.randint(1, 5)}
            for name in names
        ]
        return {"respondent": chance.choice(("learner", "manager")), "scale": "1-5", "skills": skills}

    def event(self) -> dict[str, Any]:
        """Return a performance event: a task outcome, the use of a job aid, or the answers of a needs survey."""
        chance = self.chance
        self._events += 1
        event: dict[str, Any] = {
            "id": self.uuid(),
            "source": "crm",
            "kind": "task-outcome",
            "time": self._time(),
            "actor": {"mbox": f"mailto:person{chance.randrange(self._people)}@example.org"},
            "skill": "de-escalation",
        }
        draw = chance.random()
        if draw < 0.1:
            event |= {"kind": "needs-survey", "needs": self._needs()}
            del event["skill"]
        elif draw < 0.3:
            event["kind"] = "job-aid-use"
        else:
            event["outcome"] = {"met": chance.random() < 0.7}
        return event

    def uuid(self) -> str:
        """Return a random version 4 UUID."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _time(self) -> str:
        days = self.chance.choice((0.0, 0.0, 0.1, 1.0, 5.0, 30.0))
        ms = self._now_ms - int(days * 86_400_000) - self.chance.randrange(3_600_000)
        return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).isoformat(timespec="milliseconds")


@pytest.fixture(scope="session")
def program_map() -> str:
    """Give the text of a program map that `Traffic` is about."""
    return PROGRAM_MAP


@pytest.fixture(scope="session")
def traffic_type() -> type[Traffic]:
    """Give the class of seeded traffic."""
    return Traffic
