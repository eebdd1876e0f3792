"""Proves that the sample organisation holds together: map, roster, and what its senders send as evidence."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib import resources

import pytest

from carrythrough.events.admission import admit_events
from carrythrough.evidence.mapping import evidence_of_event, evidence_of_statement
from carrythrough.evidence.types import Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import check_roster
from carrythrough.program.compile import Program
from carrythrough.program.load import check_program
from carrythrough.testing.simulator import DAY_MS, Delivery, Simulator
from carrythrough.testing.simulator_people import Part, load_organisation
from carrythrough.testing.simulator_world import SKILLS, SKILLS_OF_ROLE
from carrythrough.xapi.admission import Limits, admit

START_MS = 1_789_257_600_000
END_MS = START_MS + 70 * DAY_MS
ORGANISATION = load_organisation(40)


def text_of(name: str) -> str:
    return resources.files("carrythrough.testing").joinpath("demo_organisation", name).read_text("utf-8")


@pytest.fixture(scope="module")
def program() -> Program:
    found, _ = check_program(text_of("program.yaml"), "program.yaml")
    assert found is not None
    return Program(found)


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    return list(Simulator(ORGANISATION, 1, START_MS).advance(END_MS))


@pytest.fixture(scope="module")
def evidence(program, deliveries) -> dict[tuple[str, str], list]:
    """(roster id, skill) → evidence of 70 days, by the real admission, identity and mapping."""
    roster, _ = check_roster(ORGANISATION.roster_json(), "roster.json")
    assert roster is not None
    index = RosterIndex(roster, b"k" * 32)
    roster_id = {index.subject_of_employee(person.id): person.id for person in ORGANISATION.people}
    found: dict[tuple[str, str], list] = defaultdict(list)
    for delivery in deliveries:
        body = json.dumps(delivery.payload).encode()
        if delivery.kind == "statement":
            [admitted] = admit(body, Limits(), "1.0.3")
            pieces = evidence_of_statement(
                program, admitted.statement, admitted.id, admitted.t_ms, delivery.delivery_ms
            )
            subject = index.subject_of_actor(admitted.statement.actor)
        else:
            [event] = admit_events(body, "application/json")
            pieces = evidence_of_event(program, event.event, event.id, event.t_ms, delivery.delivery_ms)
            subject = index.subject_of_employee(event.event.employee)
        assert subject in roster_id, f"{subject} is on no roster"
        for piece in pieces:
            found[roster_id[subject], piece.skill].append(piece)
    return found


def test_the_map_has_no_findings_at_all() -> None:
    _, lints = check_program(text_of("program.yaml"), "program.yaml")
    assert [str(lint) for lint in lints] == []


def test_the_roster_has_no_findings_at_all() -> None:
    roster, lints = check_roster(text_of("roster.yaml"), "roster.yaml")
    assert [str(lint) for lint in lints] == []
    assert roster is not None
    assert len(roster.people) == 40
    assert len({person.team for person in roster.people}) == 5
    assert len({person.role for person in roster.people}) == 3
    assert len({person.time_zone for person in roster.people}) == 3


def test_a_generated_roster_of_thousands_is_as_good() -> None:
    roster, lints = check_roster(load_organisation(3_000).roster_json(), "roster.json")
    assert lints == []
    assert roster is not None
    assert len(roster.people) == 3_000


def test_the_map_covers_what_was_asked_of_it(program) -> None:
    found = program.map
    kpis = [kpi for goal in found.goals for kpi in goal.kpis]
    assert 2 <= len(found.goals) <= 3
    assert 4 <= len(kpis) <= 6
    assert all(kpi.target is not None for kpi in kpis)
    assert {kpi.grain for kpi in kpis} == {"individual", "team"}
    assert [skill.id for skill in found.skills] == [skill.id for skill in SKILLS]
    for skill in found.skills:
        roles = {role for role, skills in SKILLS_OF_ROLE.items() if any(s.id == skill.id for s in skills)}
        assert set(skill.roles) == roles
    rules = {rule.when.stage[0]: rule.action for rule in found.reinforcement}
    assert rules == {
        "fading": "spaced-review",
        "unapplied": "nudge",
        "applied-with-support": "fade-job-aid",
        "carried-through": "recognition",
    }


def test_every_statement_about_learning_is_admitted_and_understood(program, deliveries) -> None:
    silent: set[str] = set()
    for delivery in deliveries:
        if delivery.kind != "statement":
            continue
        [admitted] = admit(json.dumps(delivery.payload).encode(), Limits(), "1.0.3")
        if not program.match_statement(admitted.statement):
            silent.add(admitted.statement.verb.id.rsplit("/", 1)[1])
    assert silent == {"initialized", "terminated", "played", "paused", "launched"}


def test_everything_is_folded_for_the_person_and_the_skills_of_the_role(evidence) -> None:
    roles = {person.id: person.role for person in ORGANISATION.people}
    for employee, skill in evidence:
        assert skill in {known.id for known in SKILLS_OF_ROLE[roles[employee]]}
    assert len(evidence) >= 150


def test_every_channel_is_fed(evidence) -> None:
    fed = {piece.channel for pieces in evidence.values() for piece in pieces}
    assert fed == set(Channel)


def test_a_team_reading_says_nothing_about_a_person(program, deliveries) -> None:
    readings = [d for d in deliveries if d.payload.get("grain") == "team"]
    assert readings
    for delivery in readings:
        [event] = admit_events(json.dumps(delivery.payload).encode(), "application/json")
        for piece in evidence_of_event(program, event.event, event.id, event.t_ms, delivery.delivery_ms):
            assert piece.w == 0


def test_each_part_of_the_cast_leaves_the_evidence_that_it_should(evidence) -> None:
    parts: dict[Part, list[tuple[str, str]]] = defaultdict(list)
    for person in ORGANISATION.people:
        for skill in SKILLS_OF_ROLE[person.role]:
            parts[person.part(skill.id)].append((person.id, skill.id))

    def count(pair: tuple[str, str], *channels: Channel, since_ms: int = 0) -> int:
        return sum(piece.channel in channels and piece.t_ms >= since_ms for piece in evidence[pair])

    for pair in parts[Part.LAPSED]:
        assert count(pair, Channel.PRACTICE, since_ms=END_MS - 28 * DAY_MS) == 0
        assert count(pair, Channel.JOB, Channel.OBSERVED) <= 2
    learnt = [count(pair, Channel.LEARN) for pair in parts[Part.LAPSED]]
    assert sum(n >= 5 for n in learnt) >= len(learnt) - 2, "no-shows aside, they took the course"
    for pair in parts[Part.UNUSED]:
        assert count(pair, Channel.PRACTICE, since_ms=END_MS - 28 * DAY_MS) >= 3
        assert count(pair, Channel.JOB, Channel.OBSERVED) == 0
    for pair in parts[Part.LEANING]:
        assert count(pair, Channel.SUPPORT) >= count(pair, Channel.JOB) // 2
    assert sum(count(pair, Channel.JOB) >= 10 for pair in parts[Part.LEANING]) >= 3
    for pair in parts[Part.NO_SHOW]:
        assert count(pair, Channel.LEARN, Channel.PRACTICE, Channel.EXPOSURE) == 0
        assert count(pair, Channel.JOB) >= 5
    newcomers = [piece for pair in parts[Part.NEWCOMER] for piece in evidence[pair]]
    assert min(piece.t_ms for piece in newcomers if piece.channel == Channel.LEARN) > END_MS - 15 * DAY_MS


def test_every_person_is_recognised_by_each_of_their_identifiers(deliveries) -> None:
    kinds: dict[str, int] = defaultdict(int)
    for delivery in deliveries:
        if delivery.kind == "statement":
            actor = delivery.payload["actor"]
            kinds[next(name for name in ("mbox", "mbox_sha1sum", "account") if name in actor)] += 1
    assert set(kinds) == {"mbox", "mbox_sha1sum", "account"}
    assert min(kinds.values()) > 300
