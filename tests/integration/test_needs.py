"""Needs surveys in a running installation: kept, taken back, found again when the roster changes, and acted on."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.evidence.needs import EXTENSION
from carrythrough.gateway.needs_api import without_the_learners_own
from carrythrough.identity.changes import PutPerson
from carrythrough.identity.person import Person
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

HOUR = 3_600_000
START = 1_790_000_000_000
SKILLS = ("alpha", "beta", "gamma")
MAP = f"""
map: m
version: 1
name: M
goals: [{{id: g, name: G, kpis: [{{id: k, name: K, target: 1}}]}}]
skills: [{", ".join(f"{{id: {s}, name: {s.title()}, kpis: [k]}}" for s in SKILLS)}]
activities:
{"".join(f'  - {{id: q-{s}, name: Q, match: {{activity_prefix: "https://x.example/{s}/"}}, evidence: [{{skill: {s}, channel: learn, outcome: score}}]}}{chr(10)}' for s in SKILLS)}
reinforcement:
  - {{id: learn, when: {{stage: not-yet-learnt}}, action: nudge, title: T, body: B, link: "https://x.example/", adapters: [console]}}
policy: {{holdout: 0.0, minimum_outcomes: 2, minimum_effective: 1.0, minimum_group: 3, per_day: 1, cooldown_h: 1,
  quiet: {{from: "00:00", to: "00:00"}}, days_off: []}}
"""  # noqa: E501
ROSTER = "people:\n" + "".join(
    f"  - {{id: e-{n}, email: p{n}@x.example, team: {'north' if n < 5 else 'south'}, role: agent}}\n"
    for n in range(1, 9)
)


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Here:
    """An installation on a clock of ours."""

    def __init__(self, folder: Path) -> None:
        (folder / "map.yaml").write_text(MAP)
        (folder / "roster.yaml").write_text(ROSTER)
        self.folder = folder
        self.clock = HandClock()
        self.settings = Settings(
            data_dir=str(folder / "data"),
            program=str(folder / "map.yaml"),
            roster=str(folder / "roster.yaml"),
        )
        self.runtime = Embedded(self.settings, self.clock)
        self.runtime.start(deliver=False)
        self.number = 0

    def event(self, **members: Any) -> str:
        self.number += 1
        event = {"id": f"n-{self.number}", "source": "hr", "time": iso(self.clock.ms), **members}
        asyncio.run(
            self.runtime.submit_events(
                list(admit_events(json.dumps(event).encode(), "application/json")), "hr"
            )
        )
        assert self.runtime.caught_up()
        return str(event["id"])

    def survey(self, employee: str, respondent: str = "learner", **answers: Any) -> str:
        skills = [
            {"skill": skill, "importance": i, "confidence": c, "expectation": e}
            for skill, (i, c, e) in answers.items()
        ]
        skills = [{k: v for k, v in need.items() if v is not None} for need in skills]
        needs = {"respondent": respondent, "scale": "1-5", "skills": skills}
        return self.event(kind="needs-survey", employee=employee, needs=needs)

    def post(self, actor: dict[str, Any], **members: Any) -> None:
        self.number += 1
        statement = {
            "id": str(uuid.UUID(int=self.number)),
            "actor": actor,
            "verb": {"id": "http://x.example/answered"},
            "object": {"id": "https://x.example/form"},
            "timestamp": iso(self.clock.ms),
            **members,
        }
        admitted = admit(json.dumps(statement).encode(), Limits(), "1.0.3")
        asyncio.run(self.runtime.submit_statements(admitted, "lms"))
        assert self.runtime.caught_up()

    def needs(self, employee: str) -> dict[str, Any]:
        """Return the needs of an employee by skill."""
        subject = self.runtime.queries.subject(employee)
        assert subject is not None
        return {
            entry["skill"]: entry
            for entry in self.runtime.needs.of_employee(subject, self.clock.ms)["skills"]
        }

    def agree(self) -> None:
        """Check that the stored state is that of the log folded in memory."""
        assert compare(stored_state(self.folder / "data"), offline_fold(self.folder / "data")) == []


def iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).isoformat()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    installation = Here(tmp_path)
    yield installation
    installation.runtime.stop()


def test_both_views_and_what_they_come_to(here: Here) -> None:
    here.survey("e-1", alpha=(5, 2, 4))
    here.clock.ms += HOUR
    here.survey("e-1", "manager", alpha=(3, 4, 5))
    here.survey("e-1", beta=(2, None, None))
    found = here.needs("e-1")
    alpha = found["alpha"]
    assert alpha["learner"] == {"importance": 1.0, "confidence": 0.25, "expectation": 0.75}
    assert alpha["manager"] == {"importance": 0.5, "confidence": 0.75, "expectation": 1.0}
    assert alpha["disagreement"] == {"importance": -0.5, "confidence": 0.5, "expectation": 0.25}
    assert (alpha["importance"], alpha["expected"], alpha["actual"], alpha["actual_by"]) == (
        0.75,
        0.875,
        0.5,
        "stated",
    )
    assert (alpha["gap"], alpha["priority"], alpha["level"]) == (0.375, 0.2812, "medium")
    assert (found["beta"]["expected_by"], found["beta"]["priority"]) == ("target", None)
    assert list(found) == ["alpha", "beta"], "what is known to be pressing first"
    here.agree()


def test_a_score_takes_the_place_of_what_was_said(here: Here) -> None:
    here.survey("e-1", alpha=(5, 5, 5))
    for number in range(4):
        here.post(
            {"mbox": "mailto:p1@x.example"},
            object={"id": f"https://x.example/alpha/{number}"},
            result={"score": {"scaled": 0.2}},
        )
    alpha = here.needs("e-1")["alpha"]
    assert alpha["actual_by"] == "score"
    subject = here.runtime.queries.subject("e-1")
    [score] = here.runtime.queries.employee_scores(subject, here.clock.ms)["skills"]
    assert alpha["actual"] == score["score"]
    assert alpha["priority"] == pytest.approx(1.0 - score["score"], abs=1e-4)


def test_later_answers_replace_earlier_ones_and_every_way_of_taking_back_brings_them_again(
    here: Here,
) -> None:
    here.survey("e-1", alpha=(2, 2, 2))
    here.clock.ms += HOUR
    second = here.survey("e-1", alpha=(5, 5, 5))
    assert here.needs("e-1")["alpha"]["importance"] == 1.0
    here.event(kind="retraction", retracts=second, employee="e-1")
    assert here.needs("e-1")["alpha"]["importance"] == 0.25
    extension = {
        EXTENSION: {
            "respondent": "learner",
            "scale": "0-1",
            "skills": [{"skill": "alpha", "importance": 0.9}],
        }
    }
    here.post({"mbox": "mailto:p1@x.example"}, result={"extensions": extension, "score": {"scaled": 1.0}})
    said = str(uuid.UUID(int=here.number))
    alpha = here.needs("e-1")["alpha"]
    assert alpha["learner"]["importance"] == pytest.approx(0.9, abs=1e-4)
    assert [entry["importance"] for entry in alpha["history"]] == [0.9, 0.25]
    here.post(
        {"mbox": "mailto:admin@x.example"},
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": said},
    )
    assert here.needs("e-1")["alpha"]["importance"] == 0.25
    assert here.runtime.queries.summary()["evidence"] == 0
    assert here.runtime.queries.summary()["unmatched_by"]["needs-survey"] >= 3
    here.agree()


def test_a_manager_speaks_about_somebody_by_naming_them_as_the_object(here: Here) -> None:
    extension = {
        EXTENSION: {"respondent": "manager", "scale": "1-5", "skills": [{"skill": "alpha", "importance": 5}]}
    }
    about = {"objectType": "Agent", "mbox": "mailto:p2@x.example"}
    here.post({"mbox": "mailto:p8@x.example"}, object=about, result={"extensions": extension})
    assert here.needs("e-2")["alpha"]["manager"]["importance"] == 1.0
    assert here.needs("e-8") == {}
    extension[EXTENSION]["respondent"] = "learner"
    here.post({"mbox": "mailto:p7@x.example"}, object=about, result={"extensions": extension})
    assert here.needs("e-2")["alpha"]["learner"]["importance"] is None, "nobody answers as somebody else"
    assert here.needs("e-7")["alpha"]["learner"]["importance"] == 1.0
    here.agree()


def test_answers_follow_the_person_whom_the_roster_names_later(here: Here) -> None:
    stranger = {"mbox": "mailto:new@x.example"}
    extension = {
        EXTENSION: {"respondent": "learner", "scale": "1-5", "skills": [{"skill": "alpha", "importance": 5}]}
    }
    here.post(stranger, result={"extensions": extension})
    here.post(stranger, object={"id": "https://x.example/alpha/1"}, result={"score": {"scaled": 0.2}})
    put = PutPerson(Person(id="e-9", email="new@x.example"))
    asyncio.run(here.runtime.submit_roster_changes([put], "hr"))
    assert here.runtime.caught_up()
    assert here.needs("e-9")["alpha"]["importance"] == 1.0
    put = PutPerson(Person(id="e-9", email="other@x.example"))
    asyncio.run(here.runtime.submit_roster_changes([put], "hr"))
    assert here.runtime.caught_up()
    assert here.needs("e-9") == {}, "the address is nobody's again"
    here.runtime.stop()
    here.runtime = Embedded(here.settings, here.clock)
    here.runtime.start(deliver=False)
    assert here.runtime.caught_up()
    here.agree()


def test_of_skills_that_wait_together_the_most_pressing_one_is_asked_about_and_the_reason_says_so(
    here: Here,
) -> None:
    here.survey("e-1", alpha=(2, 3, 3), beta=(1, 3, 3), gamma=(5, 1, 5))
    actor = {"mbox": "mailto:p1@x.example"}
    for skill in SKILLS:
        for number in range(3):
            here.post(
                actor, object={"id": f"https://x.example/{skill}/{number}"}, result={"score": {"scaled": 0.1}}
            )
    first = here.runtime.queries.actions()["actions"]
    assert [action["skill"] for action in first] == ["alpha"], (
        "the only one that was there when it was decided"
    )
    for _ in range(30):
        here.clock.ms += HOUR
        here.runtime.tick()
        assert here.runtime.caught_up()
    second = here.runtime.queries.actions()["actions"][0]
    assert second["skill"] == "gamma", "not the next in the alphabet"
    assert "importance 100 of 100, 100 expected" in second["why"]
    here.agree()


def test_few_answers_are_hidden_and_means_are_made_of_what_is_shown(here: Here) -> None:
    for number in range(1, 9):
        here.survey(f"e-{number}", alpha=(3 if number % 2 else 5, 2, 5))
    here.survey("e-1", "manager", alpha=(5, 5, 5))
    found = here.runtime.needs.groups("team", here.clock.ms)
    [program] = found["program"]["skills"]
    assert program["people"] == {"learner": 8, "manager": None}
    assert (program["importance"], program["expected"], program["actual"]) == (0.75, 1.0, 0.25)
    assert program["priority"] == pytest.approx(0.75 * 0.75)
    assert {group["group"]: group["skills"][0]["people"]["learner"] for group in found["groups"]} == {
        "north": 4,
        "south": 4,
    }
    assert program["manager"] == {"importance": None, "confidence": None, "expectation": None}


def test_what_people_say_does_not_stand_in_for_a_score_that_is_hidden(here: Here) -> None:
    for number in range(1, 9):
        here.survey(f"e-{number}", alpha=(5, 1, 5))
    for person in range(1, 7):
        for number in range(3):
            here.post(
                {"mbox": f"mailto:p{person}@x.example"},
                object={"id": f"https://x.example/alpha/{number}"},
                result={"score": {"scaled": 0.9}},
            )
    scores = here.runtime.queries.groups("team", here.clock.ms)["groups"]
    assert [group["skills"][0]["hidden"] for group in scores] == ["sibling", "small"]
    north, south = (
        group["skills"][0] for group in here.runtime.needs.groups("team", here.clock.ms)["groups"]
    )
    assert (north["importance"], north["actual"], north["actual_by"], north["priority"]) == (
        1.0,
        None,
        None,
        None,
    )
    assert (south["actual"], south["actual_by"]) == (0.0, "stated"), "hardly anybody has a score there"


def test_how_able_somebody_said_to_be_is_for_them_alone(here: Here) -> None:
    here.survey("e-1", alpha=(5, 1, 5))
    here.survey("e-1", "manager", alpha=(4, 3, 4))
    subject = here.runtime.queries.subject("e-1")
    own = here.runtime.needs.of_employee(subject, here.clock.ms)
    [shown] = without_the_learners_own(own)["skills"]
    assert own["skills"][0]["learner"]["confidence"] == 0.0
    assert shown["learner"] == {"importance": 1.0, "confidence": None, "expectation": 1.0}
    assert (shown["actual"], shown["gap"], shown["priority"], shown["level"]) == (None, None, None, None)
    assert shown["disagreement"]["confidence"] is None
    assert [entry["confidence"] for entry in shown["history"]] == [0.5, None]


def test_what_is_left_out_for_others_cannot_be_read_off_earlier_answers_or_the_order(here: Here) -> None:
    here.survey("e-1", alpha=(5, 3, 5))
    here.clock.ms += HOUR
    here.survey("e-1", alpha=(5, None, 5), beta=(5, 1, 5), gamma=(5, 2, 5))
    here.survey("e-1", "manager", alpha=(5, 2, 5))
    subject = here.runtime.queries.subject("e-1")
    own = here.runtime.needs.of_employee(subject, here.clock.ms)["skills"]
    shown = without_the_learners_own({"skills": own})["skills"]
    assert [entry["skill"] for entry in own] == ["beta", "alpha", "gamma"]
    assert [entry["skill"] for entry in shown] == ["alpha", "beta", "gamma"]
    assert (shown[0]["actual"], shown[0]["priority"]) == (0.25, 0.75)
    of_learner = [said for said in shown[0]["history"] if said["respondent"] == "learner"]
    assert [said["confidence"] for said in of_learner] == [None, None]


def test_a_skill_that_the_map_does_not_have_is_named_in_the_receipt(here: Here) -> None:
    skills = [{"skill": skill, "importance": 5} for skill in ("alpha", "bata")]
    event = {
        "id": "n",
        "source": "hr",
        "time": iso(here.clock.ms),
        "kind": "needs-survey",
        "employee": "e-1",
        "needs": {"respondent": "learner", "scale": "1-5", "skills": skills},
    }
    here.survey("e-1", alpha=(5, 2, 4))
    [remark] = here.runtime.remarks.of(admit_events(json.dumps(event).encode(), "application/json"))
    assert (remark.where, remark.fix) == ("/0/needs/skills/1/skill", 'did you mean "beta"?')
    assert 'no skill "bata"' in remark.detail
